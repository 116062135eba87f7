// The connections that hold one node key, and which of them receives (nat-traversal 3.8). Usually
// one. With more, the newest receives, and from then on whichever spoke last; when that one leaves,
// the one that spoke before it, or nobody until one speaks. Internal to the room.
#pragma once

#include <array>
#include <vector>

#include "coord-server/relay_server/relay_client.h"

namespace aya::relay_server {

class KeyHolders {
 public:
  void add(RelayClient& client);
  void remove(RelayClient& client);
  // `client` sent a frame. True when the key has just changed hands often enough to be alarming:
  // three times within a minute. Said once, until a single holder remains.
  bool spoke(RelayClient& client, TimePoint now);

  RelayClient* active() const { return active_; }  // nullptr: nobody receives
  const std::vector<RelayClient*>& all() const { return members_; }
  bool empty() const { return members_.empty(); }
  // True once after an alarm, when a single holder remains.
  bool take_all_clear();

 private:
  static constexpr Duration kAlarmWithin = 60s;

  std::vector<RelayClient*> members_;
  RelayClient* active_ = nullptr;
  std::array<std::optional<TimePoint>, 3> changes_;  // of hand, oldest first
  bool alarmed_ = false;
};

}  // namespace aya::relay_server
