// miniupnpc opens its connections by a function of its own, which a program may put another in
// place of: this room does, because they must carry the bypass mark like everything the daemon
// sends. Without it they would be led into the tunnel where an exit node is used, and the router,
// which is a neighbour, would never answer.
#pragma once

#include <cstdint>

namespace aya::portmap {

// For all connections from now on; any thread.
void set_mark_of_calls(std::uint32_t mark);

}  // namespace aya::portmap
