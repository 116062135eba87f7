// daemon/routing decides where packets of this host go: which prefixes of which peer the tunnel
// uses, which of them enter the routing table, which networks stay with the host, and what is
// answered with "unreachable" rather than sent the wrong way (os-integration 1.3, 1.5).
//
//   peers' own addresses          always, as single addresses: neighbours in a carrier's 100.64/10
//                                 stay reachable
//   peers' subnets                where the user accepts routes
//   both default routes           of the exit node in use. What it does not carry, and all if it is
//                                 chosen but not there, is unreachable: never the host's own way
//                                 out
//   networks the host sits in     stay local where a peer's subnet covers them, and all of them
//                                 while an exit node is used with access to the local network
//   gateways, DHCP, DNS servers   stay local where they lie among the overlay's addresses
//
// An exit node without access to the local network is a promise that nothing leaves by it, so then
// a network that a peer also offers is not local either: it is reached by the peer.
//
// daemon/os/routes.h carries the decision out; daemon/tunnel holds peers to their prefixes. Pure;
// any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/netmap/netmap.h"
#include "proto/local/prefs.h"
#include "proto/netaddr/prefix.h"

namespace aya::routing {

// A hostile network must not claim the world by the size of its own: larger ones are not local.
inline constexpr unsigned kLargestLan4 = 8;
inline constexpr unsigned kLargestLan6 = 16;
bool too_large(const Prefix& lan);

// What the host is attached to besides the overlay.
struct Surroundings {
  struct Network {
    Prefix prefix;
    std::string interface;
    bool container = false;  // a bridge of the host's own containers
    friend bool operator==(const Network&, const Network&) = default;
  };
  std::vector<Network> lans;          // on-link: their machines are reached without a gateway
  std::vector<Network> other_routes;  // into the overlay's addresses by another link
  std::vector<IpAddress> own;         // the host's other addresses
  std::vector<IpAddress> gateways;
  std::vector<IpAddress> servers;  // DHCP and DNS servers the host depends on
  bool policy_routing = true;      // what the kernel can (os::RouteAbilities)
  friend bool operator==(const Surroundings&, const Surroundings&) = default;
};

enum class ExitState : std::uint8_t {
  None,
  InUse,
  Unavailable,  // chosen, and there is none: default routes are unreachable
  Impossible,   // chosen on a kernel without policy routing: traffic goes out as if there were none
};

enum class KeptBecause : std::uint8_t { LocalAccess, PeerOffersItToo, HostServer };
struct KeptLocal {
  Prefix prefix;
  std::string interface;  // "": whichever the host's routes say
  KeptBecause why = KeptBecause::LocalAccess;
  friend bool operator==(const KeptLocal&, const KeptLocal&) = default;
};

enum class ConflictKind : std::uint8_t {
  LanOffered,        // a peer offers a network that the host sits in
  LanTooLarge,       // an on-link network beyond the cap
  PeerInLan,         // a peer's address lies in such a network: the peer wins
  PeerIsHostServer,  // a peer has the address of a gateway or server: the server wins
  OwnAddressOnHost,  // our IPv4 address is the host's or its gateway's: IPv4 is not configured
  ServiceElsewhere,  // another program answers at the service address
  SubnetOfOurs,      // a peer offers what this node offers, too
};
struct Conflict {
  ConflictKind kind{};
  Prefix prefix;
  std::string with;  // the interface or the peer
  friend bool operator==(const Conflict&, const Conflict&) = default;
};

struct Decision {
  std::map<netmap::NodeId, std::vector<Prefix>> peers;  // sorted; of peers that have any
  std::vector<Prefix> addresses;                        // of the interface
  // For the table; sorted, each prefix in one list only.
  std::vector<Prefix> routes, throws, unreachable;
  ExitState exit = ExitState::None;
  netmap::NodeId exit_node{};     // while in use
  bool service_reachable = true;  // 100.100.100.100 is ours on this host
  std::vector<KeptLocal> kept_local;
  std::vector<Conflict> conflicts;

  // Internet traffic does not leave by the host's own way.
  bool holds_internet() const { return exit == ExitState::InUse || exit == ExitState::Unavailable; }
  // Peers' addresses that a machine on the host's own networks may have, too. Sorted.
  std::vector<IpAddress> shared_addresses() const;
  // The prefixes of a peer: nothing where it has none.
  const std::vector<Prefix>& of(netmap::NodeId peer) const;
  friend bool operator==(const Decision&, const Decision&) = default;
};

struct Inputs {
  const netmap::Netmap& map;
  const local::Prefs& prefs;
  // The stable id of the node that carries this one's Internet traffic. nullopt: it leaves from
  // here; an id that no peer has, or an empty one: nowhere.
  std::optional<std::string> exit_node;
  const Surroundings& around;
  // Whether a peer's key has expired: it gets nothing.
  std::function<bool(const control::Node&)> expired;
  std::vector<IpAddress> service_addresses;  // answered by this node itself
};
Decision decide(const Inputs& inputs);

// Which exit node the settings name, in the form of Inputs::exit_node.
std::optional<std::string> named_exit_node(const local::Prefs& prefs, const netmap::Netmap& map);

}  // namespace aya::routing
