// A port mapping from a UPnP gateway: what is asked in which order, and what to make of the answers
// (nat-traversal 6.6). What the gateway says is untrusted. Pure; the words on the wire are
// miniupnpc's, which upnp_link puts behind Igd.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/portmap/ssdp.h"
#include "proto/base/rng.h"

namespace aya::portmap {

// What it takes to delete a mapping again.
struct UpnpHold {
  std::string control_url, service_type;
  std::uint16_t external_port = 0;
  friend bool operator==(const UpnpHold&, const UpnpHold&) = default;
};

struct UpnpTask {
  std::uint64_t id = 0;
  std::vector<GatewayUrl> descriptions;  // of the one gateway, the best first
  Endpoint internal;                     // our address on its network, and the port to map
  std::uint16_t preferred_external = 0;  // 0: any
  std::optional<UpnpHold> held;          // the mapping to be renewed
};

struct UpnpAnswer {
  struct Grant {
    Endpoint external;
    UpnpHold hold;
  };
  std::uint64_t id = 0;
  std::optional<Grant> granted;
  bool unusable = false;  // and will be: leave this gateway's UPnP alone for a while
};

// The codes gateways refuse with, as far as they make a difference.
enum class UpnpError : int {
  None = 0,
  NoAnswer = -1,  // nothing came, or nothing that can be read
  InvalidAction = 401,
  InvalidArguments = 402,
  ActionFailed = 501,
  NotAuthorized = 606,
  NoSuchEntry = 714,
  Conflict = 718,
  OnlyPermanentLeases = 725,
};

// Calls to a gateway, each of which may take seconds. It keeps the time: when that is up,
// everything is NoAnswer.
class Igd {
 public:
  struct Service {
    std::string type, control_url;
  };
  struct Description {
    std::string seen_from;          // our address on the connection that brought it
    std::vector<Service> services;  // that map ports; as the gateway says
  };
  struct Added {
    UpnpError error = UpnpError::None;
    std::string external_port;  // of add_any()
  };
  struct Found {
    UpnpError error = UpnpError::None;
    std::string client, port;
  };
  struct Mapping {
    std::uint16_t external_port = 0;
    Endpoint internal;
    std::chrono::duration<std::uint32_t> lease{};  // zero: until deleted
  };

  virtual ~Igd() = default;
  virtual std::optional<Description> describe(const std::string& url) = 0;
  virtual std::string status(const Service& service) = 0;            // empty: no answer
  virtual std::string external_address(const Service& service) = 0;  // likewise
  virtual UpnpError add(const Service& service, const Mapping& mapping) = 0;
  virtual Added add_any(const Service& service, const Mapping& mapping) = 0;
  virtual Found find(const Service& service, std::uint16_t external_port) = 0;
  virtual void remove(const Service& service, std::uint16_t external_port) = 0;
};

UpnpAnswer map_by_upnp(const UpnpTask& task, Igd& igd, Rng& rng);
void give_back(const UpnpHold& hold, Igd& igd);

// Whether hosts on the Internet can send to this address: not private, not a carrier's NAT.
bool is_public(const IpAddress& address);

}  // namespace aya::portmap
