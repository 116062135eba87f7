// What one stream has to be told after it was told everything up to some version: a plan first,
// small and comparable, then the message. Streams that stand at the same point get equal plans,
// and one encoded message serves them all.
//
// Rules that deployed clients impose (control 14): a whole node that differs in small facets only
// is turned into a patch by them, so those facets are always said explicitly; a DISCO key travels
// in a patch of its own, because a stale one takes the rest of its patch down with it; what a patch
// made by them would lose or keep follows the whole node in patches of ours; one node is never
// removed and added in the same message.
#pragma once

#include <bitset>
#include <compare>

#include "coord-server/mapper/id_set.h"
#include "coord-server/mapper/map_builder.h"

namespace aya::mapper {

// What the reader of a stream holds.
struct Delivered {
  nodes::Version version = 0;
  IdSet<NodeId> peers;
  std::set<NodeId> strangers;  // those of them that are of other accounts
  std::set<UserId> profiles;
  std::map<NodeId, std::vector<Prefix>> routes;        // that peers were shown with, if any
  std::uint64_t rules_version = 0, sight_version = 0;  // of the policy
  MapBuilder::Bounds bounds;
  std::shared_ptr<const control::DerpMap> relays;
  std::vector<store::AccountId> sharers;  // whose names it was told to look up here
  std::vector<std::string> services;      // that it knows of
  bool counts_flows = false;

  static Delivered from_snapshot(
      const MapBuilder& builder, const Node& viewer, const Snapshot& snapshot);
};

struct PeerStep {
  enum class Kind { Remove, Whole, Patch };
  NodeId peer;
  Kind kind = Kind::Patch;
  std::uint8_t facets = 0;  // to be said in a patch, also behind a whole node: bit per nodes::Facet
  std::vector<Prefix> routes{};  // of a whole node: those the reader may use
  friend auto operator<=>(const PeerStep&, const PeerStep&) = default;
};

struct DeltaPlan {
  bool self = false;     // the reader's own node
  bool filter = false;   // its packet filter, and who may log in to it
  bool dns = false;      // how names are resolved in its network
  std::vector<std::string> services{};  // then: whose names are among them
  bool relays = false;   // which relays there are
  bool personal = false;  // whole nodes that look different to everyone
  std::vector<PeerStep> peers;
  std::vector<UserId> profiles;

  bool empty() const {
    return !self && !filter && !dns && !relays && peers.empty() && profiles.empty();
  }
  // The same message for every reader of an equal plan in the same account.
  bool is_shared() const { return !self && !filter && !personal; }
  friend auto operator<=>(const DeltaPlan&, const DeltaPlan&) = default;
};

// Is the node to be told of itself? What others see of it is told to them first.
bool changes_itself(const Node& node, nodes::Version since);

// nullopt: too much was forgotten since, the stream must start over. `delivered` is brought up to
// date: call this only when the message will be sent.
std::optional<DeltaPlan> plan_delta(
    const MapBuilder& builder, const Node& viewer, Delivered& delivered);

MapMessage write_delta(
    const MapBuilder& builder, const Node& viewer, const DeltaPlan& plan, WallTime now);

}  // namespace aya::mapper
