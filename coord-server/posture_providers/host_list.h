// The hosts that a provider's answers speak of, put together from one page after the other. Private
// to the room.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/posture_providers/conversation.h"
#include "coord-server/posture_providers/provider.h"

namespace aya::posture_providers {

class HostList {
 public:
  static constexpr std::size_t kMost = 100'000;

  struct Page {
    std::size_t hosts = 0;
    std::string next;  // what is behind Listing::next; empty: nothing
  };
  // The error says what is wrong with the answer.
  Result<Page, std::string> read(const Listing& listing, std::string_view answer);

  std::size_t size() const { return hosts_.size(); }
  // What other listings call the hosts from the `from`-th on, at most `count`.
  std::vector<std::string> keys(std::size_t from, std::size_t count) const;
  Report report() &&;

 private:
  struct Host {
    std::string key, serial, seen;
    Attributes attributes;
  };
  std::vector<Host> hosts_;
  std::map<std::string, std::size_t> by_key_;
};

}  // namespace aya::posture_providers
