// The addresses at which peers may find us, as told to control and in CallMeMaybe (nat-traversal
// 4.10): what STUN saw, what a port mapping promises, what the interfaces have.
#pragma once

#include <string>
#include <vector>

#include "daemon/netcheck/report.h"
#include "proto/netaddr/prefix.h"

namespace aya::netcheck {

// Numbers as control knows them.
enum class EndpointType : int {
  Unknown = 0,
  Local = 1,
  Stun = 2,
  PortMapped = 3,
  StunLocalPort = 4,
  Explicit = 5
};

struct OwnEndpoint {
  Endpoint at;
  EndpointType type = EndpointType::Unknown;

  friend auto operator<=>(const OwnEndpoint&, const OwnEndpoint&) = default;
};

struct InterfaceAddress {
  std::string interface;
  Prefix prefix;  // the address and the length of its network
  bool up = true;
  bool loopback = false;
  bool problematic = false;  // our own tunnel, or another overlay's
};

// What the list is made of.
struct EndpointSources {
  std::vector<InterfaceAddress> interfaces;
  std::uint16_t port_v4 = 0, port_v6 = 0;  // bound by the socket; 0: no socket of that family
  bool port_is_fixed = false;              // configured: an operator may have forwarded it
  std::optional<IpAddress> bound_to;       // the socket is bound to this one address only
  std::optional<Endpoint> port_mapping;
  std::vector<Endpoint> configured;  // by the operator
};

// Remembers public endpoints seen of late: some NATs answer on an old mapping for a while.
class OwnEndpoints {
 public:
  static constexpr Duration kRememberFor = 5min + 10s;
  static constexpr std::size_t kMaxPerAddress = 6;

  // Best first, without duplicates. `report`: the latest, also of a running check.
  std::vector<OwnEndpoint> list(
      const EndpointSources& sources, const Report& report, TimePoint now);
  // After a link change the old public addresses are of no use.
  void forget();

 private:
  struct Seen {
    OwnEndpoint endpoint;
    TimePoint last;
  };

  void remember(const std::vector<OwnEndpoint>& fresh, TimePoint now);

  std::vector<Seen> seen_;  // newest first
};

// Same set, in whatever order: nothing new to tell control.
bool same_set(std::vector<OwnEndpoint> a, std::vector<OwnEndpoint> b);

}  // namespace aya::netcheck
