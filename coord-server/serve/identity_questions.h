// Which hardware a node is (interfaces 1.4, postureIdentity): serial numbers and addresses of its
// interfaces, asked of those nodes whose account wants to know, whenever they connect and every six
// hours. Nodes whose owner does not want to tell say so, and are asked again a little later: owners
// change their minds.
//
// What they said is kept in memory, and dropped when the account does not want to know any more.
//
// Pure. One thread.
#pragma once

#include "coord-server/serve/node_calls.h"

namespace aya::serve {

class IdentityQuestions {
 public:
  static constexpr Duration kLookEvery = 5s;  // whose turn it is
  static constexpr Duration kAskEvery = std::chrono::hours(6);
  static constexpr Duration kAskAgain = std::chrono::minutes(5);  // one that told nothing
  static constexpr Duration kPatience = 30s;
  static constexpr std::size_t kMostAtOnce = 20;

  // All outlive this.
  IdentityQuestions(
      nodes::Registry& registry, const mapper::MapStreams& streams, NodeCalls& calls)
      : registry_(registry), streams_(streams), calls_(calls) {}

  void advance(TimePoint now, mapper::MapStreams::Effects& out);
  void note(const NodeCalls::Answer& answer, TimePoint now);
  // Nothing while no account wants to know.
  std::optional<TimePoint> next_deadline() const { return look_at_; }

 private:
  struct Turn {
    mapper::StreamId stream;  // by which it was connected
    std::optional<CallId> asked{};
    TimePoint next{};
  };

  nodes::Registry& registry_;
  const mapper::MapStreams& streams_;
  NodeCalls& calls_;
  std::map<store::NodeId, Turn> turns_;
  std::optional<TimePoint> look_at_;
};

}  // namespace aya::serve
