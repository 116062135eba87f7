// From the registry to what a node reads: nodes as self and as peers, and the first message of a
// map stream (control 6.4, 6.5, 7.2). Says what things look like; what a stream has to be told,
// and when, is decided in map_delta.h and map_streams.h.
//
// Pure but for reading the registry. One thread.
#pragma once

#include "coord-server/mapper/map_message.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/policy/policy.h"
#include "coord-server/relays/relay_directory.h"
#include "coord-server/sharing/sharing.h"

namespace aya::mapper {

using nodes::Node;
using nodes::NodeId;
using store::UserId;

// A whole picture, and what is in it.
struct Snapshot {
  struct Shown {
    NodeId peer;
    std::vector<Prefix> routes;
  };
  MapMessage message;
  std::vector<Shown> shown;  // ascending
  std::vector<std::string> services;
  std::shared_ptr<const control::DerpMap> relays;
};

class MapBuilder {
 public:
  // All outlive the builder.
  MapBuilder(
      const nodes::Registry& registry, const policy::Policy& policy,
      const sharing::Sharing& sharing, const relays::RelayDirectory& relays)
      : registry_(registry), policy_(policy), sharing_(sharing), relays_(relays) {}

  // Is `peer` part of `viewer`'s map? Besides the policy: one that waits for approval meets
  // nobody, and a peer without a DISCO key cannot be reached by any path and stays out until it has
  // one (6.5), unless it is a plain WireGuard device; those meet only whom they know.
  bool shows(const Node& viewer, const Node& peer) const;
  // What of the peer's routes the viewer may use.
  std::vector<Prefix> routes_seen(const Node& viewer, const Node& peer) const;

  control::Node self(const Node& node, WallTime now) const;
  // With the routes of it that the reader may use.
  control::Node peer(const Node& node, const std::vector<Prefix>& routes, WallTime now) const;
  // A machine of another account: under the address that the viewer's account has for it.
  control::Node stranger(
      const Node& viewer, const Node& peer, const std::vector<Prefix>& routes, WallTime now) const;
  // Does the peer look different to this viewer than to others? Strangers do, and so do plain
  // WireGuard devices that know the viewer by addresses of their own choice.
  bool is_personal(const Node& viewer, const Node& peer) const;
  // As such a viewer is told it.
  control::Node personal(
      const Node& viewer, const Node& peer, const std::vector<Prefix>& routes, WallTime now) const;
  // What a node that was removed is told about itself: its key is over, so it stops trying (9.9).
  control::Node removed(const nodes::NodeRecord& record, WallTime now) const;
  // Whose profiles the viewer needs for this peer.
  std::vector<UserId> people_of(const Node& viewer, const Node& peer) const;
  control::UserProfile profile(UserId user) const;
  control::FilterRules filter(const Node& node) const;
  std::string filters(const Node& node) const;  // the same for MapMessage::filters
  // What sharing adds to the filter of a node: whom it lets in no further than to itself, and who
  // may not speak first.
  struct Bounds {
    std::vector<sharing::Guest> guests;
    std::vector<IpAddress> silent;
    friend bool operator==(const Bounds&, const Bounds&) = default;
  };
  Bounds bounds(const Node& node) const {
    return {sharing_.guests_at(node), sharing_.silent_towards(node)};
  }
  // Names of the services of its account that the node may use, or answers for itself. Ascending.
  std::vector<std::string> services_of(const Node& node) const;
  // With the names of these services.
  control::DnsConfig dns(
      store::AccountId account, const std::vector<std::string>& services) const;

  // Is the node told to count its traffic? Only those are that can: others never hear of it.
  bool counts_flows(const Node& node) const;

  // Another object only when it says something else.
  std::shared_ptr<const control::DerpMap> relays(store::AccountId account) const;

  // peer() as JSON, kept until the node changes: but for the routes it must look the same to
  // everyone of its account who sees it. Personal ones are made for one viewer.
  PeerText peer_text(
      const Node& viewer, const Node& node, const std::vector<Prefix>& routes, WallTime now) const;

  Snapshot snapshot(const Node& viewer, WallTime now) const;

  const nodes::Registry& registry() const { return registry_; }
  const policy::Policy& policy() const { return policy_; }
  const sharing::Sharing& sharing() const { return sharing_; }

 private:
  bool is_let_in(const nodes::NodeRecord& record) const;  // approved, and its owner not suspended
  struct KeptTexts {
    nodes::Version version = 0;
    std::map<std::vector<Prefix>, PeerText> by_routes;
  };
  struct KeptRelays {
    std::uint64_t directory = 0;  // the versions it was made of
    nodes::Version policy = 0;
    std::shared_ptr<const control::DerpMap> map;
  };
  static constexpr std::size_t kStaleTexts = 64;  // of nodes that were removed

  void add_record(
      const store::Account& account, const control::DnsRecord& record,
      control::DnsConfig& out) const;
  void add_services(const Node& node, control::Node& out) const;
  bool shows_plain(const Node& viewer, const Node& peer) const;
  bool shows_stranger(const Node& viewer, const Node& peer) const;
  bool may_use(const Node& guest, const Node& device) const;
  control::Node common(
      const nodes::NodeRecord& record, const std::vector<Prefix>& routes, WallTime now) const;

  const nodes::Registry& registry_;
  const policy::Policy& policy_;
  const sharing::Sharing& sharing_;
  const relays::RelayDirectory& relays_;
  mutable std::unordered_map<NodeId, KeptTexts> texts_;
  mutable std::map<store::AccountId, KeptRelays> kept_relays_;
};

std::vector<Endpoint> endpoints_of(const store::NodeLive& live);

}  // namespace aya::mapper
