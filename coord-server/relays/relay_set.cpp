#include "coord-server/relays/relay_set.h"

#include <algorithm>

namespace aya::relays {
namespace {

using control::DerpRegion;

// Of two nodes with one name clients would find only one: the region that comes later goes by
// names with its number in front.
void keep_names_apart(Regions& regions) {
  std::set<std::string> names;
  for (auto& [id, region] : regions) {
    for (control::DerpNode& node : region.nodes) {
      if (names.insert(node.name).second) continue;
      node.name = std::to_string(id) + '-' + node.name;
      names.insert(node.name);
    }
  }
}

}  // namespace

std::vector<RelaySet::Entry> RelaySet::entries() const {
  std::vector<Entry> out;
  std::set<RegionId> seen;
  const auto add = [&](const DerpRegion& region, const std::string& source, bool built_in) {
    const store::RelayChoice said = choice(region.region_id);
    const bool hidden = !seen.insert(region.region_id).second;
    out.push_back({region, source, built_in, hidden, said.off, said.score});
  };
  for (const auto& [id, region] : by_hand) add(region, {}, false);
  add(own, {}, true);
  for (const auto& [url, regions] : fetched) {
    for (const auto& [id, region] : regions) add(region, url, false);
  }
  std::ranges::stable_sort(out, {}, [](const Entry& entry) { return entry.region.region_id; });
  return out;
}

Regions RelaySet::in_force() const {
  Regions out;
  for (Entry& entry : entries()) {
    if (!entry.off && !entry.hidden) out.emplace(entry.region.region_id, std::move(entry.region));
  }
  return out;
}

control::DerpMap RelaySet::map_with(const Overlay& overlay) const {
  const Regions ours = in_force();
  Regions regions =
      overlay.omit_default_regions && relays::has_relay(overlay.regions) ? Regions() : ours;
  for (const RegionId id : overlay.left_out) regions.erase(id);
  for (const auto& [id, region] : overlay.regions) regions.insert_or_assign(id, region);
  // The policy was written before somebody turned off what it counted on.
  if (!relays::has_relay(regions)) regions = ours;
  keep_names_apart(regions);
  std::map<RegionId, double> scores;
  for (const auto& [id, choice] : choices) {
    if (choice.score != 1) scores[id] = choice.score;
  }
  for (const auto& [id, score] : overlay.score) scores[id] = score;
  std::erase_if(scores, [&](const auto& each) { return !regions.contains(each.first); });

  control::DerpMap map;
  map.home_params.emplace().region_score = std::move(scores);
  map.regions = std::move(regions);
  // Without this, clients add the relays of the hosted service.
  map.omit_default_regions = true;
  return map;
}

store::RelayChoice RelaySet::choice(RegionId id) const {
  const auto found = choices.find(id);
  return found == choices.end() ? store::RelayChoice{id} : found->second;
}

bool RelaySet::has_relay() const { return relays::has_relay(in_force()); }

}  // namespace aya::relays
