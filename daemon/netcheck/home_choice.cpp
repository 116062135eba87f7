#include "daemon/netcheck/home_choice.h"

#include <algorithm>

namespace aya::netcheck {
namespace {

Duration scaled(Duration latency, RegionId region, const std::map<RegionId, double>& score) {
  const auto found = score.find(region);
  if (found == score.end() || found->second <= 0) return latency;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::nano>(latency) * found->second);
}

}  // namespace

RegionId HomeChoice::add(
    const Report& report, TimePoint began, const std::map<RegionId, double>& score) {
  history_.push_back({report.at, report.region_latency});
  while (report.at - history_.front().at > kKeepReportsFor) history_.pop_front();
  // Nothing measured: home stays, be it only because nobody knows better.
  if (report.region_latency.empty()) return home_;

  const auto best = [&](RegionId region) {
    Duration least = Duration::max();
    for (const Measured& past : history_) {
      const auto found = past.latency.find(region);
      if (found != past.latency.end()) least = std::min(least, found->second);
    }
    return scaled(least, region, score);
  };
  RegionId winner = report.region_latency.begin()->first;
  for (const auto& [region, latency] : report.region_latency) {
    if (best(region) < best(winner)) winner = region;
  }
  if (winner == home_ || !stays(report, began, best(winner), score)) {
    // One report may owe its winner to a lost probe; a home that is alive is left for two.
    const bool leaves_live_home = winner != home_ && is_alive(report, began);
    if (!leaves_live_home || challenger_ == winner) home_ = winner;
    challenger_ = winner;
  } else {
    challenger_ = 0;
  }
  return home_;
}

// Whether home answered in this report, or its relay spoke to us meanwhile.
bool HomeChoice::is_alive(const Report& report, TimePoint began) const {
  if (home_ == 0) return false;
  if (report.region_latency.contains(home_)) return true;
  const auto frame = last_frame_.find(home_);
  return frame != last_frame_.end() &&
         (frame->second >= began || report.at - frame->second <= kHomeAliveWithin);
}

bool HomeChoice::stays(
    const Report& report, TimePoint began, Duration winner,
    const std::map<RegionId, double>& score) const {
  if (!is_alive(report, began)) return false;
  const auto measured = report.region_latency.find(home_);
  if (measured == report.region_latency.end()) return true;  // a live connection alone keeps home
  const Duration home = scaled(measured->second, home_, score);
  return home - winner < kHomeMargin || 3 * winner > 2 * home;
}

void HomeChoice::note_frame(RegionId region, TimePoint now) { last_frame_[region] = now; }

void HomeChoice::forget_home() {
  home_ = 0;
  challenger_ = 0;
}

RegionId fallback_home(const RelayMap& map, std::uint32_t seed) {
  std::vector<RegionId> ids;
  for (const RelayRegion& region : map.regions) {
    if (!region.no_measure_no_home) ids.push_back(region.id);
  }
  if (ids.empty()) return 0;
  std::ranges::sort(ids);
  return ids[seed % ids.size()];
}

}  // namespace aya::netcheck
