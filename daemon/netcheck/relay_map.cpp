#include "daemon/netcheck/relay_map.h"

#include <algorithm>

namespace aya::netcheck {

const RelayRegion* RelayMap::find(RegionId id) const {
  const auto found = std::ranges::find(regions, id, &RelayRegion::id);
  return found == regions.end() ? nullptr : &*found;
}

}  // namespace aya::netcheck
