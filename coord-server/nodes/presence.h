// Who is here. A node is online while at least one of its map streams lives; streams are counted,
// not flagged, because a new one often opens before the old one is noticed to be gone (control
// 7.2, T-20). It counts as offline ten seconds after the last one ended, so that a reconnect shows
// nobody a flicker; but traffic that goes through it for others is moved after one second already,
// if another node can take it. A node whose streams live but which does not answer questions any
// more counts as gone at once, until it answers or comes with a new stream. An ephemeral node that
// stays away is forgotten (T-31).
//
// Pure; one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coord-server/store/records.h"
#include "proto/base/time.h"

namespace aya::nodes {

using store::NodeId;

class Presence {
 public:
  static constexpr Duration kOfflineGrace = 10s;
  static constexpr Duration kAwayGrace = 1s;
  static constexpr Duration kEphemeralStay = 30min;

  struct Effects {
    std::vector<NodeId> away;       // without a stream for kAwayGrace
    std::vector<NodeId> offline;    // the grace ran out
    std::vector<NodeId> forgotten;  // ephemeral, away for too long: delete it
    void clear() {
      away.clear();
      offline.clear();
      forgotten.clear();
    }
  };

  // True when the node has just come online, as far as others know.
  bool opened(NodeId node);
  void closed(NodeId node, bool ephemeral, TimePoint now);
  // It has a stream and does not answer.
  void stalled(NodeId node, TimePoint now);
  // It answers. True when it was thought to be gone: it is back.
  bool answered(NodeId node);
  // An ephemeral node without a stream yet: just registered, or known from before a restart.
  void expect_ephemeral(NodeId node, TimePoint now);
  // Known from before a restart and missed by others: it is away if it does not come back in time.
  void expect_back(NodeId node, TimePoint now);
  // The node does not exist any more.
  void forget(NodeId node) { seen_.erase(node); }

  bool is_online(NodeId node) const;
  std::size_t streams(NodeId node) const;

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Seen {
    std::size_t streams = 0;
    bool announced = false;  // others think it is online
    bool stalled = false;
    std::optional<TimePoint> away_at;
    std::optional<TimePoint> offline_at;
    std::optional<TimePoint> forget_at;
  };
  void act(NodeId node, TimePoint now, Effects& out);

  std::map<NodeId, Seen> seen_;
  // Every deadline in seen_, and stale ones: a node that came back leaves its entry to be passed
  // over. What is due costs, not who is here.
  std::set<std::pair<TimePoint, NodeId>> wakeups_;
};

}  // namespace aya::nodes
