#include "daemon/flow_logs/flow_log.h"

#include <algorithm>
#include <array>

#include "proto/base/hex.h"

namespace aya::flow_logs {
namespace {

constexpr int kForbidden = 403, kNotFound = 404, kNotAllowed = 405, kNotImplemented = 501;

}  // namespace

FlowLog::FlowLog(Rng& rng) : rng_(rng), journal_(to_hex(rng.array<8>())) {}

void FlowLog::set(const std::string& owner, bool on, TimePoint now) {
  if (owner != owner_) {
    stop();
    journal_.clear();
    not_wanted_ = false;
    owner_ = owner;
  }
  if (!on) {
    stop();
    journal_.clear();
    not_wanted_ = false;
    return;
  }
  if (counter_ || not_wanted_) return;
  counter_ = std::make_unique<FlowCounter>();
  window_start_ = now;
  window_end_ = now + kWindow;
  // Nodes that were switched on together do not tell together ever after.
  constexpr auto kSpread = std::chrono::duration_cast<std::chrono::milliseconds>(kReportEvery);
  const auto spread =
      std::chrono::milliseconds(rng_.below(static_cast<std::uint32_t>(kSpread.count())));
  report_at_ = now + kWindow + spread;
  retry_ = kNextPiece;
}

void FlowLog::stop() {
  if (counter_) overflowed_before_ += counter_->overflowed();
  counter_.reset();
  window_end_.reset();
  report_at_.reset();
  under_way_.reset();
  answer_until_.reset();
}

// How long a window was is not asked of the calendar, which may have been set meanwhile.
void FlowLog::advance(TimePoint now, WallTime wall) {
  if (take_if_due(answer_until_, now)) on_answer(0, {}, now);
  if (!take_if_due(window_end_, now)) return;
  const WallTime end = std::chrono::floor<std::chrono::milliseconds>(wall);
  const auto took = std::chrono::floor<std::chrono::milliseconds>(now - window_start_);
  if (auto window = counter_->close(end - took, end)) journal_.add(std::move(*window));
  window_start_ = now;
  window_end_ = now + kWindow;
}

std::optional<TimePoint> FlowLog::next_deadline() const {
  return earlier(window_end_, earlier(answer_until_, report_at_));
}

std::optional<control::FlowReport> FlowLog::take_report(TimePoint now) {
  if (!take_if_due(report_at_, now)) return std::nullopt;
  under_way_ = journal_.report();
  if (under_way_) {
    answer_until_ = now + kAnswerWithin;
  } else {
    report_at_ = now + kReportEvery;
  }
  return under_way_;
}

void FlowLog::on_answer(int status, std::optional<Duration> retry_after, TimePoint now) {
  if (!under_way_) return;  // of before it was switched off
  const control::FlowReport report = std::move(*under_way_);
  under_way_.reset();
  answer_until_.reset();
  const bool final_refusal = status >= 400 && status < 500 && status != 429 && status != 408;
  if (status == kNotFound || status == kNotAllowed || status == kNotImplemented) {
    stop();
    journal_.clear();
    not_wanted_ = true;
    return;
  }
  if (status == 200 || final_refusal) {
    journal_.settle(report, status == 200 ? Journal::Fate::Taken : Journal::Fate::Refused);
    retry_ = kNextPiece;
    // The map that switches it off is on its way where it is forbidden.
    const bool more = !journal_.empty() && status != kForbidden;
    report_at_ = now + (more ? kNextPiece : kReportEvery);
    return;
  }
  report_at_ = now + retry_after.value_or(retry_);
  retry_ = std::min(retry_ * 2, kLongestRetry);
}

FlowLog::Counters FlowLog::counters() const {
  const std::uint64_t now = counter_ ? counter_->overflowed() : 0;
  return {journal_.counters(), overflowed_before_ + now, journal_.rows()};
}

}  // namespace aya::flow_logs
