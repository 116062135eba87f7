#include "daemon/relay/home_region.h"

#include <algorithm>
#include <utility>

namespace aya::relay {
namespace {

constexpr Duration kBackOffLimit = 5s;

}  // namespace

HomeRegion::HomeRegion(Rng& rng) : rng_(rng), seed_(rng.u32()) {}

void HomeRegion::set_regions(
    std::span<const RegionId> ids, std::span<const RegionId> changed, Effects& out) {
  known_.assign(ids.begin(), ids.end());
  std::vector<RegionId> to_forget(changed.begin(), changed.end());
  for (const auto& [region, link] : links_) {
    if (std::ranges::find(known_, region) == known_.end()) to_forget.push_back(region);
  }
  if (home_ != 0 && std::ranges::find(known_, home_) == known_.end()) to_forget.push_back(home_);
  for (const RegionId region : to_forget) forget(region, out);
}

void HomeRegion::forget(RegionId region, Effects& out) {
  if (const auto link = links_.find(region); link != links_.end()) {
    if (link->second.phase != Phase::Idle) out.hang_up.push_back(region);
    links_.erase(link);
  }
  if (home_ == region) home_ = 0;
}

bool HomeRegion::choose(
    std::optional<RegionId> measured, bool control_connected, TimePoint now, Effects& out) {
  RegionId next = measured.value_or(home_);
  if (next == 0 || std::ranges::find(known_, next) == known_.end()) next = home_;
  if (next == 0) next = chance();
  if (next == 0 || next == home_) return false;
  // Peers could not learn of the move.
  if (home_ != 0 && !control_connected) return false;
  set_home(next, now, out);
  return true;
}

RegionId HomeRegion::chance() const {
  if (known_.empty()) return 0;
  std::vector<RegionId> sorted = known_;
  std::ranges::sort(sorted);
  return sorted[seed_ % sorted.size()];
}

void HomeRegion::set_home(RegionId region, TimePoint now, Effects& out) {
  const RegionId old = std::exchange(home_, region);
  if (old != 0) {
    if (const auto link = links_.find(old); link != links_.end()) {
      link->second.last_write = now;  // idles out from here
      if (link->second.phase == Phase::Connected) out.note_preferred.push_back({old, false});
    }
    if (!idle_check_at_) idle_check_at_ = now + kIdleCheck;
  }
  Link& link = links_[region];
  if (link.phase == Phase::Connected) {
    out.note_preferred.push_back({region, true});
    out.home_ready = region;
  } else if (link.phase != Phase::Dialling) {
    dial(region, link, now, out);
  }
}

void HomeRegion::dial(RegionId region, Link& link, TimePoint now, Effects& out) {
  link.phase = Phase::Dialling;
  link.last_write = now;
  out.dial.push_back(region);
}

void HomeRegion::want(RegionId region, TimePoint now, Effects& out) {
  if (std::ranges::find(known_, region) == known_.end()) return;
  Link& link = links_[region];
  switch (link.phase) {
    case Phase::Idle:
      dial(region, link, now, out);
      break;
    case Phase::Dialling:
      break;
    case Phase::Connected:
      break;
    case Phase::Waiting:
      link.wanted = true;
      break;
  }
}

void HomeRegion::connected(RegionId region, TimePoint now, Effects& out) {
  Link& link = links_[region];
  link.phase = Phase::Connected;
  link.wanted = false;
  link.last_write = now;
  out.note_preferred.push_back({region, region == home_});
  if (region == home_) {
    out.home_ready = region;
  } else if (!idle_check_at_) {
    idle_check_at_ = now + kIdleCheck;
  }
}

void HomeRegion::heard(RegionId region) {
  if (const auto link = links_.find(region); link != links_.end()) link->second.failures = 0;
}

void HomeRegion::wrote(RegionId region, TimePoint now) {
  if (const auto link = links_.find(region); link != links_.end()) link->second.last_write = now;
}

void HomeRegion::lost(RegionId region, std::optional<Duration> wait, TimePoint now, Effects&) {
  const auto link = links_.find(region);
  if (link == links_.end()) return;
  Link& it = link->second;
  ++it.failures;
  it.phase = Phase::Waiting;
  it.wanted = it.wanted || region == home_;
  it.redial_at = now + wait.value_or(back_off(it.failures));
}

bool HomeRegion::is_connected(RegionId region) const {
  const auto link = links_.find(region);
  return link != links_.end() && link->second.phase == Phase::Connected;
}

Duration HomeRegion::back_off(unsigned failures) {
  const auto plain = std::min<Duration>(10ms * failures * failures, kBackOffLimit);
  return plain / 2 + plain * rng_.below(1001) / 1000;  // times 0.5 to 1.5
}

void HomeRegion::advance(TimePoint now, Effects& out) {
  for (auto& [region, link] : links_) {
    if (link.phase != Phase::Waiting || link.redial_at > now) continue;
    if (region == home_ || link.wanted) {
      link.wanted = false;
      dial(region, link, now, out);
    } else {
      link.phase = Phase::Idle;  // nobody asks for it
    }
  }
  if (!take_if_due(idle_check_at_, now)) return;
  bool others = false;
  for (auto& [region, link] : links_) {
    if (region == home_ || link.phase != Phase::Connected) continue;
    if (now - link.last_write >= kIdleClose) {
      link.phase = Phase::Idle;
      out.hang_up.push_back(region);
    } else {
      others = true;
    }
  }
  if (others) idle_check_at_ = now + kIdleCheck;
}

std::optional<TimePoint> HomeRegion::next_deadline() const {
  std::optional<TimePoint> next = idle_check_at_;
  for (const auto& [region, link] : links_) {
    if (link.phase == Phase::Waiting) next = earlier(next, link.redial_at);
  }
  return next;
}

}  // namespace aya::relay
