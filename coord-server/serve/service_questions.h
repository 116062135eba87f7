// What a node answers for, of the network's services (control 4.5, `/vip-services`): asked when it
// comes and whenever it says, by another hash in its host info, that this is something else.
//
// Without an answer what was known stands, and it is asked again. Pure. One thread.
#pragma once

#include "coord-server/serve/node_calls.h"

namespace aya::serve {

class ServiceQuestions {
 public:
  static constexpr Duration kPatience = 30s;
  static constexpr Duration kAskAgain = 20s;
  static constexpr std::size_t kMostServices = 100;  // of one node

  // Both outlive this.
  ServiceQuestions(nodes::Registry& registry, NodeCalls& calls)
      : registry_(registry), calls_(calls) {}

  // The error is the disk's; then it is tried again.
  store::Stored<void> advance(TimePoint now, mapper::MapStreams::Effects& out);
  store::Stored<void> note(const NodeCalls::Answer& answer, TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Open {
    std::optional<CallId> asked{};
    std::string hash{};  // what it was asked about
    TimePoint next{};
  };

  bool wants_to_know(const nodes::Node& node) const;
  void look_around();

  nodes::Registry& registry_;
  NodeCalls& calls_;
  nodes::Version seen_ = 0;
  std::map<store::NodeId, std::string> known_;  // the hash of what is known of it
  std::map<store::NodeId, Open> open_;          // who has to be asked, or is being asked
};

}  // namespace aya::serve
