#include "daemon/routing/routing.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "proto/netaddr/overlay_range.h"

namespace aya::routing {
namespace {

const Prefix kAll4{IpAddress(), 0};
const Prefix kAll6 = *Prefix::parse("::/0");
// Printers and speakers are found by multicast and broadcast. IPv6 needs no word for it: the kernel
// routes its multicast per interface, in a table that is asked first.
const Prefix kMulticast4{IpAddress::v4(0xe0000000), 4};
const Prefix kBroadcast4{IpAddress::v4(0xffffffff), 32};

bool has(const std::vector<Prefix>& list, const Prefix& prefix) {
  return std::ranges::find(list, prefix) != list.end();
}
bool has(const std::vector<IpAddress>& list, const IpAddress& address) {
  return std::ranges::find(list, address) != list.end();
}

// Whether all of `inner` lies in `outer`.
bool covers(const Prefix& outer, const Prefix& inner) {
  return outer.length <= inner.length && outer.contains(inner.address);
}

std::string name_of(const control::Node& node) {
  if (!node.name.empty()) return node.name.substr(0, node.name.find('.'));
  return node.hostinfo ? node.hostinfo->hostname : node.stable_id;
}

class Decider {
 public:
  explicit Decider(const Inputs& inputs) : in_(inputs) {}

  Decision decide() {
    choose_addresses();
    choose_exit();
    for (const auto& [id, peer] : in_.map.peers) consider(peer);
    for (const auto& [prefix, claim] : claims_) {
      out_.peers[claim.node->id].push_back(prefix);
      if (configured(prefix)) out_.routes.push_back(prefix);
    }
    add_service_addresses();
    keep_servers();
    keep_lans();
    note_peers_in_lans();
    close_defaults();
    tidy();
    return std::move(out_);
  }

 private:
  struct Claim {
    const control::Node* node = nullptr;
    bool primary = false;
    bool online = false;
    auto rank() const { return std::tuple(primary, online); }
  };

  // Whether the interface has an address of the family.
  bool configured(const Prefix& prefix) const {
    return std::ranges::any_of(out_.addresses, [&](const Prefix& own) {
      return own.address.is_v4() == prefix.address.is_v4();
    });
  }

  void conflict(ConflictKind kind, const Prefix& prefix, std::string with) {
    out_.conflicts.push_back({kind, prefix, std::move(with)});
  }

  // An IPv4 address that the host needs for its own network is not put on the tunnel as well: it
  // would cut the host off, and IPv6 does for the overlay.
  void choose_addresses() {
    for (const Prefix& own : in_.map.self.addresses) {
      const bool taken = own.address.is_v4() && (has(in_.around.own, own.address) ||
                                                 has(in_.around.gateways, own.address));
      if (taken) {
        v4_taken_ = true;
        conflict(ConflictKind::OwnAddressOnHost, own, {});
      }
    }
    for (const Prefix& own : in_.map.self.addresses) {
      if (!(own.address.is_v4() && v4_taken_)) out_.addresses.push_back(own);
    }
  }

  void choose_exit() {
    if (!in_.exit_node) return;
    if (!in_.around.policy_routing) {
      out_.exit = ExitState::Impossible;
      return;
    }
    out_.exit = ExitState::Unavailable;
    if (in_.exit_node->empty()) return;
    for (const auto& [id, peer] : in_.map.peers) {
      if (peer.stable_id != *in_.exit_node || in_.expired(peer) || !peer.allowed_ips) continue;
      if (!has(*peer.allowed_ips, kAll4) && !has(*peer.allowed_ips, kAll6)) continue;
      out_.exit = ExitState::InUse;
      out_.exit_node = id;
    }
  }

  void consider(const control::Node& peer) {
    if (in_.expired(peer)) return;
    for (const Prefix& prefix : peer.allowed_ips ? *peer.allowed_ips : peer.addresses) {
      if (usable(peer, prefix)) claim(peer, prefix.masked());
    }
  }

  bool usable(const control::Node& peer, const Prefix& prefix) {
    if (prefix.length == 0) return out_.exit == ExitState::InUse && peer.id == out_.exit_node;
    if (has(peer.addresses, prefix)) return true;
    if (peer.unsigned_peerapi_only) return false;
    // A single address among the overlay's is a service of the peer's, not a network behind it.
    if (prefix.is_host() && is_in_overlay_range(prefix.address)) return true;
    if (!in_.prefs.route_all) return false;
    if (has(in_.prefs.advertise_routes, prefix)) {
      conflict(ConflictKind::SubnetOfOurs, prefix, name_of(peer));
      return false;
    }
    return true;
  }

  // Of several routers for one prefix, the one that the server calls its primary; else one that is
  // online; else the one that was there first.
  void claim(const control::Node& peer, const Prefix& prefix) {
    const Claim fresh{&peer, has(peer.primary_routes, prefix), peer.online.value_or(false)};
    const auto [at, is_first] = claims_.try_emplace(prefix, fresh);
    if (!is_first && fresh.rank() > at->second.rank()) at->second = fresh;
  }

  void add_service_addresses() {
    for (const IpAddress& address : in_.service_addresses) {
      const Prefix service = Prefix::host(address);
      if (!configured(service)) continue;
      const auto elsewhere =
          std::ranges::find(in_.around.other_routes, service, &Surroundings::Network::prefix);
      if (elsewhere == in_.around.other_routes.end()) {
        out_.routes.push_back(service);
        continue;
      }
      conflict(ConflictKind::ServiceElsewhere, service, elsewhere->interface);
      if (address.is_v4()) out_.service_reachable = false;
    }
  }

  void keep(const Prefix& prefix, const std::string& interface, KeptBecause why) {
    if (has(out_.throws, prefix)) return;
    out_.throws.push_back(prefix);
    out_.kept_local.push_back({prefix, interface, why});
  }

  void keep_servers() {
    std::vector<IpAddress> all = in_.around.gateways;
    all.insert(all.end(), in_.around.servers.begin(), in_.around.servers.end());
    for (const IpAddress& server : all) {
      if (!is_in_overlay_range(server) || has(in_.service_addresses, server)) continue;
      const Prefix host = Prefix::host(server);
      if (has(in_.map.self.addresses, host)) continue;
      keep(host, {}, KeptBecause::HostServer);
      if (const auto peer = claims_.find(host); peer != claims_.end()) {
        conflict(ConflictKind::PeerIsHostServer, host, name_of(*peer->second.node));
      }
    }
  }

  void keep_lans() {
    const bool exit = out_.holds_internet();
    const bool all = exit && in_.prefs.exit_node_allow_lan_access;
    for (const auto& lan : in_.around.lans) {
      const control::Node* router = offers(lan.prefix);
      if (too_large(lan.prefix)) {
        if (all || router != nullptr)
          conflict(ConflictKind::LanTooLarge, lan.prefix, lan.interface);
        continue;
      }
      if (all) {
        keep(lan.prefix, lan.interface, KeptBecause::LocalAccess);
      } else if (router != nullptr && !lan.container) {
        if (!exit) keep(lan.prefix, lan.interface, KeptBecause::PeerOffersItToo);
        conflict(ConflictKind::LanOffered, lan.prefix, name_of(*router));
      }
    }
    if (!all) return;
    keep(kMulticast4, {}, KeptBecause::LocalAccess);
    keep(kBroadcast4, {}, KeptBecause::LocalAccess);
  }

  // The peer whose subnet holds all of a network; an exit node's default route does not count.
  const control::Node* offers(const Prefix& lan) const {
    for (const auto& [prefix, claim] : claims_) {
      if (prefix.length != 0 && covers(prefix, lan)) return claim.node;
    }
    return nullptr;
  }

  void note_peers_in_lans() {
    for (const auto& lan : in_.around.lans) {
      if (!lan.prefix.overlaps(overlay_range_v4()) || too_large(lan.prefix)) continue;
      for (const auto& [prefix, claim] : claims_) {
        if (prefix.is_host() && covers(lan.prefix, prefix)) {
          conflict(ConflictKind::PeerInLan, prefix, lan.interface);
        }
      }
    }
  }

  void close_defaults() {
    if (!out_.holds_internet()) return;
    for (const Prefix& all : {kAll4, kAll6}) {
      if (!has(out_.routes, all)) out_.unreachable.push_back(all);
    }
  }

  void tidy() {
    for (auto* list : {&out_.routes, &out_.throws, &out_.unreachable}) {
      std::ranges::sort(*list);
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    std::erase_if(out_.routes, [this](const Prefix& route) { return has(out_.throws, route); });
  }

  const Inputs& in_;
  Decision out_;
  std::map<Prefix, Claim> claims_;
  bool v4_taken_ = false;
};

}  // namespace

bool too_large(const Prefix& lan) {
  return lan.length < (lan.address.is_v4() ? kLargestLan4 : kLargestLan6);
}

std::vector<IpAddress> Decision::shared_addresses() const {
  std::vector<IpAddress> out;
  for (const Conflict& one : conflicts) {
    if (one.kind == ConflictKind::PeerInLan || one.kind == ConflictKind::PeerIsHostServer) {
      out.push_back(one.prefix.address);
    }
  }
  std::ranges::sort(out);
  return out;
}

const std::vector<Prefix>& Decision::of(netmap::NodeId peer) const {
  static const std::vector<Prefix> kNothing;
  const auto found = peers.find(peer);
  return found == peers.end() ? kNothing : found->second;
}

Decision decide(const Inputs& inputs) { return Decider(inputs).decide(); }

std::optional<std::string> named_exit_node(const local::Prefs& prefs, const netmap::Netmap& map) {
  if (!prefs.exit_node_id.empty()) return prefs.exit_node_id;
  if (prefs.exit_node_ip.empty()) return std::nullopt;
  if (const auto address = IpAddress::parse(prefs.exit_node_ip)) {
    for (const auto& [id, peer] : map.peers) {
      if (has(peer.addresses, Prefix::host(*address))) return peer.stable_id;
    }
  }
  return std::string();
}

}  // namespace aya::routing
