// SiteGateway is the router at a site whose IPv4 addresses other sites use as well (4via6): peers
// reach its machines by IPv6 images of their addresses (site_address.h), the site sees IPv4.
//
//   peer -> site   fd7a:...:b1a:0:7:192.168.1.5   becomes   192.168.1.5, from the peer's IPv4
//   site -> peer   the answer, known by its ports, becomes what the peer expects
//
// Only flows that came from a peer are answered; anything else the host sends is left alone, also
// where the router offers the same machines by their plain addresses. The host's firewall then
// masquerades the packets like those of any subnet route.
//
// Pure. After set_routes() nothing allocates, locks or logs. One thread.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "daemon/filter/flow_table.h"
#include "daemon/filter/packet_view.h"
#include "proto/netaddr/site_address.h"
#include "proto/base/lru_table.h"
#include "proto/packet/packet.h"

namespace aya::sites {

class SiteGateway {
 public:
  static constexpr std::size_t kFlows = 8192;  // the least recently used is forgotten beyond

  struct Counters {
    std::uint64_t to_site = 0, from_site = 0;
    std::uint64_t untranslatable = 0;  // fragments, protocols without an image
    std::uint64_t no_ipv4 = 0;         // the peer has no IPv4 address to appear by
  };

  explicit SiteGateway(std::size_t mtu) : mtu_(mtu) {}

  // Of the node's own approved routes those in the site range count. Flows of routes that stay go
  // on.
  void set_routes(std::span<const Prefix> own_routes);
  bool active() const { return !routes_.empty(); }
  bool serves(const IpAddress& destination) const;

  // A packet of a peer for a machine that we serve. `peer`: the IPv4 address of the peer, or
  // nullptr. False: drop it.
  bool to_site(Packet& packet, const filter::PacketView& view, const IpAddress* peer);
  enum class Answer {
    NotOurs,     // untouched
    Translated,  // IPv6 now; the view is stale
    Drop,        // ours, but without an image
  };
  // A packet of the host.
  Answer from_site(Packet& packet, const filter::PacketView& view);

  const Counters& counters() const { return counters_; }

 private:
  struct Via {
    std::uint32_t site = 0;
    IpAddress peer;  // IPv6
  };

  std::size_t mtu_;
  std::vector<Prefix> routes_;
  std::optional<LruTable<filter::Flow, Via>> flows_;  // by what an answer carries; none: no routes
  Counters counters_;
};

}  // namespace aya::sites
