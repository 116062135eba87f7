// Are the nodes that carry traffic for others alive? A machine that lost its power, or whose daemon
// hangs, leaves its map stream standing for minutes. So every node with routes is asked to answer
// an echo now and then (control 4.5); one that has answered before and does not any more is away,
// for elections of subnet routers and for clients that choose an exit node, until it answers again.
//
// Nodes that never answered are left in peace: not every client knows the question.
//
// Pure. One thread.
#pragma once

#include "coord-server/nodes/presence.h"
#include "coord-server/serve/node_calls.h"

namespace aya::serve {

class CarrierHealth {
 public:
  // Together below ten seconds: clients have fifteen to be on their way by another node.
  static constexpr Duration kEvery = 5s;
  static constexpr Duration kPatience = 4s;

  // All outlive this.
  CarrierHealth(nodes::Registry& registry, nodes::Presence& presence, NodeCalls& calls)
      : registry_(registry), presence_(presence), calls_(calls) {}

  // Asks those whose turn it is.
  void advance(TimePoint now, mapper::MapStreams::Effects& out);
  // What came of a question; those of others are passed over.
  void note(const NodeCalls::Answer& answer, TimePoint now, WallTime wall);
  std::optional<TimePoint> next_deadline() const { return ask_at_; }

 private:
  struct Carrier {
    std::optional<CallId> asked;
    bool has_answered = false;
  };

  nodes::Registry& registry_;
  nodes::Presence& presence_;
  NodeCalls& calls_;
  std::map<store::NodeId, Carrier> carriers_;
  std::optional<TimePoint> ask_at_;
};

}  // namespace aya::serve
