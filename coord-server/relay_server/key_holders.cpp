#include "coord-server/relay_server/key_holders.h"

#include <algorithm>

namespace aya::relay_server {

void KeyHolders::add(RelayClient& client) {
  members_.push_back(&client);
  active_ = &client;
}

void KeyHolders::remove(RelayClient& client) {
  std::erase(members_, &client);
  if (members_.size() == 1) {
    active_ = members_.front();
  } else if (active_ == &client) {
    const auto latest = std::ranges::max_element(members_, {}, &RelayClient::last_spoke);
    const bool spoke_ever = latest != members_.end() && (*latest)->last_spoke != 0;
    active_ = spoke_ever ? *latest : nullptr;
  }
}

bool KeyHolders::spoke(RelayClient& client, TimePoint now) {
  if (active_ == &client) return false;
  active_ = &client;
  changes_ = {changes_[1], changes_[2], now};
  if (alarmed_ || !changes_[0] || now - *changes_[0] > kAlarmWithin) return false;
  alarmed_ = true;
  return true;
}

bool KeyHolders::take_all_clear() {
  if (!alarmed_ || members_.size() != 1) return false;
  alarmed_ = false;
  changes_ = {};
  return true;
}

}  // namespace aya::relay_server
