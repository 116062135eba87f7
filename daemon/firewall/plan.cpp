#include "daemon/firewall/plan.h"

#include <array>
#include <cstdio>

namespace aya::firewall {

bool same_rules(const Plan& a, const Plan& b) {
  Plan with_a = b;
  with_a.ports = a.ports;
  with_a.self = a.self;
  with_a.peers = a.peers;
  return with_a == a;
}

std::string hex_mark(std::uint32_t mark) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", mark);
  return text.data();
}

}  // namespace aya::firewall
