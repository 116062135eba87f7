// The fwmark of the daemon's own packets. Rules keep marked packets out of the overlay, so that the
// tunnel does not swallow what carries it. It equals Tailscale's on purpose: on a host that runs
// both, neither wraps the other's (os-integration 1.3).
#pragma once

#include <cstdint>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::os {

inline constexpr std::uint32_t kBypassMark = 0x80000;
inline constexpr std::uint32_t kBypassMarkMask = 0xff0000;

// Marks a socket's packets. Not permitted without CAP_NET_ADMIN: harmless where no route of ours
// could catch the packet, so callers may go on.
Result<void, OsError> mark_socket(int fd);

}  // namespace aya::os
