#include "proto/netaddr/overlay_range.h"

namespace aya {

const Prefix& overlay_range_v4() {
  static const Prefix range = *Prefix::parse("100.64.0.0/10");
  return range;
}

const Prefix& overlay_range_v6() {
  static const Prefix range = *Prefix::parse("fd7a:115c:a1e0::/48");
  return range;
}

bool is_in_overlay_range(const IpAddress& address) {
  return overlay_range_v4().contains(address) || overlay_range_v6().contains(address);
}

}  // namespace aya
