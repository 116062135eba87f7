// The fwmark of the daemon's own packets. Rules keep marked packets out of the overlay, so that the
// tunnel does not swallow what carries it. By default it equals Tailscale's on purpose: on a host
// that runs both, neither wraps the other's (os-integration 1.3). Others on the host may use bits
// of the mark for themselves (Calico claims 0xffff0000, kube-proxy 0xc000, mwan3 0x3f00), so only
// those of the mask are looked at, and an administrator can choose both.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace aya::os {

struct BypassMark {
  std::uint32_t value = 0x80000;
  std::uint32_t mask = 0xff0000;

  // "0x80000/0xff0000", or decimal. The value lies in the mask and leaves it another bit, which the
  // firewall may need; nullopt otherwise.
  static std::optional<BypassMark> parse(std::string_view text);
  // That other bit.
  std::uint32_t second_bit() const;

  friend bool operator==(const BypassMark&, const BypassMark&) = default;
};

}  // namespace aya::os
