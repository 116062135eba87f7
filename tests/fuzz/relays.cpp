// Any text is refused as a map of relays or is one that clients can be told: numbered and named all
// through, readable by ourselves, and still itself when it is read again.
#include "coord-server/relays/relay_set.h"
#include "proto/control/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto map = relays::read_map(text);
  if (!map) {
    AYA_CHECK(!map.error().empty());
    return 0;
  }
  relays::RelaySet set;
  set.own = relays::own_region({"coord.test"});
  const control::DerpMap told = set.map_with(*map);
  std::set<std::string> names;
  for (const auto& [id, region] : *told.regions) {
    AYA_CHECK(region.region_id == id && !region.nodes.empty());
    for (const control::DerpNode& node : region.nodes) {
      AYA_CHECK(node.region_id == id && names.insert(node.name).second);
    }
    const auto again = relays::read_region(id, control::encode(region));
    AYA_CHECK(again && *again == region);
  }
  return 0;
}
