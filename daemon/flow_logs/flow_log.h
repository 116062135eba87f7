// FlowLog: when this node counts, when a window ends, and when the server is told (flow_report.h).
//
//   log.set(owner, on, now);               what the map says; counter() is there while it is on
//   log.advance(now, wall);                at next_deadline()
//   if (auto report = log.take_report(now)) ... send it, and tell how it went: on_answer()
//
// It is on while the server says so. Off, nothing is counted and nothing is kept; nor is what was
// counted in one network told to another.
//
// Pure. One thread.
#pragma once

#include <memory>

#include "daemon/flow_logs/flow_counter.h"
#include "daemon/flow_logs/journal.h"
#include "proto/base/rng.h"

namespace aya::flow_logs {

class FlowLog {
 public:
  static constexpr Duration kWindow = 5s;
  static constexpr Duration kReportEvery = 15s;
  static constexpr Duration kNextPiece = 1s;        // while there is more to tell
  static constexpr Duration kLongestRetry = 60s;
  static constexpr Duration kAnswerWithin = 60s;    // or there is none

  explicit FlowLog(Rng& rng);  // which outlives this

  // `owner` is this node, by its stable id in the network it is in.
  void set(const std::string& owner, bool on, TimePoint now);
  // nullptr: nothing is counted. Another one, or none, only after set(), advance() and on_answer().
  FlowCounter* counter() { return counter_.get(); }

  void advance(TimePoint now, WallTime wall);
  std::optional<TimePoint> next_deadline() const;

  // What is to be sent now, without the node key; one at a time.
  std::optional<control::FlowReport> take_report(TimePoint now);
  // 0: there was no answer. `retry_after`: what a 429 says.
  void on_answer(int status, std::optional<Duration> retry_after, TimePoint now);

  struct Counters {
    Journal::Counters windows;
    std::uint64_t overflowed = 0;  // flows that found no place in a window
    std::size_t waiting = 0;       // rows
  };
  Counters counters() const;

 private:
  void stop();

  Rng& rng_;
  Journal journal_;
  std::string owner_;
  std::unique_ptr<FlowCounter> counter_;
  bool not_wanted_ = false;  // the server has no such path, whatever the map says
  TimePoint window_start_{};
  std::optional<TimePoint> window_end_, report_at_, answer_until_;
  std::optional<control::FlowReport> under_way_;
  Duration retry_ = kNextPiece;
  std::uint64_t overflowed_before_ = 0;  // of counters that are gone
};

}  // namespace aya::flow_logs
