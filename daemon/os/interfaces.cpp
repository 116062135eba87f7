#include "daemon/os/interfaces.h"

#include <algorithm>
#include <array>
#include <functional>

namespace aya::os {
namespace {

const Prefix kOverlay4{IpAddress::v4(0x64400000), 10};  // 100.64.0.0/10
const Prefix kOverlay6 = *Prefix::parse("fd7a:115c:a1e0::/48");

bool usable(const InterfaceAddress& candidate) {
  const IpAddress& address = candidate.prefix.address;
  if (candidate.deprecated || address.is_loopback() || address.is_multicast()) return false;
  if (address.is_link_local_unicast()) return false;
  return !is_overlay_address(address);
}

}  // namespace

bool is_overlay_address(const IpAddress& address) {
  return kOverlay4.contains(address) || kOverlay6.contains(address);
}

bool Interface::is_container_plumbing() const {
  static constexpr std::array<std::string_view, 6> kPrefixes = {"veth", "docker", "br-",
                                                                "cni",  "cali",   "lxc"};
  return std::ranges::any_of(
      kPrefixes, [this](std::string_view prefix) { return name.starts_with(prefix); });
}

bool NetworkSnapshot::has_v4() const {
  return default4 || std::ranges::any_of(local_endpoint_addresses(*this), &IpAddress::is_v4);
}

bool NetworkSnapshot::has_v6() const {
  return default6 || std::ranges::any_of(local_endpoint_addresses(*this), &IpAddress::is_v6);
}

const Interface* NetworkSnapshot::find(unsigned interface_index) const {
  const auto found = std::ranges::find(interfaces, interface_index, &Interface::index);
  return found == interfaces.end() ? nullptr : &*found;
}

std::vector<IpAddress> local_endpoint_addresses(const NetworkSnapshot& snapshot) {
  std::vector<IpAddress> out;
  for (const Interface& one : snapshot.interfaces) {
    if (!one.up || one.loopback || one.is_container_plumbing()) continue;
    for (const InterfaceAddress& candidate : one.addresses) {
      if (usable(candidate)) out.push_back(candidate.prefix.address);
    }
  }
  std::stable_partition(out.begin(), out.end(), std::mem_fn(&IpAddress::is_private));
  return out;
}

}  // namespace aya::os
