// Where addresses of nodes and services of a mesh usually are (control 11.1). A network may have
// some elsewhere, too: those are known one by one.
#pragma once

#include "proto/netaddr/prefix.h"

namespace aya {

const Prefix& overlay_range_v4();  // 100.64.0.0/10
const Prefix& overlay_range_v6();  // fd7a:115c:a1e0::/48
bool is_in_overlay_range(const IpAddress& address);

}  // namespace aya
