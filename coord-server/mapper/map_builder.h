// From the registry to what a node reads: nodes as self and as peers, and the first message of a
// map stream (control 6.4, 6.5, 7.2). Says what things look like; what a stream has to be told,
// and when, is decided in map_delta.h and map_streams.h.
//
// Pure but for reading the registry. One thread.
#pragma once

#include "coord-server/mapper/map_message.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/policy/policy.h"

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
};

class MapBuilder {
 public:
  // All outlive the builder.
  MapBuilder(
      const nodes::Registry& registry, const policy::Policy& policy,
      const control::DerpMap& derp_map)
      : registry_(registry), policy_(policy), derp_map_(derp_map) {}

  // Is `peer` part of `viewer`'s map? Besides the policy: one that waits for approval meets
  // nobody, and a peer without a DISCO key cannot be reached by any path and stays out until it has
  // one (6.5).
  bool shows(const Node& viewer, const Node& peer) const;

  control::Node self(const Node& node, WallTime now) const;
  // With the routes of it that the reader may use.
  control::Node peer(const Node& node, const std::vector<Prefix>& routes, WallTime now) const;
  // What a node that was removed is told about itself: its key is over, so it stops trying (9.9).
  control::Node removed(const nodes::NodeRecord& record, WallTime now) const;
  control::UserProfile profile(UserId user) const;
  control::FilterRules filter(const Node& node) const { return policy_.filter(node); }
  control::DnsConfig dns(store::AccountId account) const;

  // peer() as JSON, kept until the node changes: but for the routes it must look the same to
  // everyone who sees it.
  PeerText peer_text(const Node& node, const std::vector<Prefix>& routes, WallTime now) const;

  Snapshot snapshot(const Node& viewer, WallTime now) const;

  const nodes::Registry& registry() const { return registry_; }
  const policy::Policy& policy() const { return policy_; }

 private:
  bool is_let_in(const nodes::NodeRecord& record) const;  // approved, and its owner not suspended
  struct KeptTexts {
    nodes::Version version = 0;
    std::map<std::vector<Prefix>, PeerText> by_routes;
  };
  static constexpr std::size_t kStaleTexts = 64;  // of nodes that were removed

  void add_record(
      const store::Account& account, const control::DnsRecord& record,
      control::DnsConfig& out) const;
  control::Node common(
      const nodes::NodeRecord& record, const std::vector<Prefix>& routes, WallTime now) const;

  const nodes::Registry& registry_;
  const policy::Policy& policy_;
  const control::DerpMap& derp_map_;
  mutable std::unordered_map<NodeId, KeptTexts> texts_;
};

std::vector<Endpoint> endpoints_of(const store::NodeLive& live);

}  // namespace aya::mapper
