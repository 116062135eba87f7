// Journal: windows that the server has not got yet, in order. While it is away they wait here, as
// many as there is room for; then the oldest go, and are counted. Pure. One thread.
#pragma once

#include <deque>

#include "proto/control/flow_report.h"

namespace aya::flow_logs {

class Journal {
 public:
  static constexpr std::size_t kMostRows = 50'000;   // some megabytes
  static constexpr std::size_t kReportRows = 3'000;  // in one report; a window may have more

  // `run` names this run of the program to the server.
  explicit Journal(std::string run, std::size_t most_rows = kMostRows)
      : run_(std::move(run)), most_rows_(most_rows) {}

  void add(control::FlowWindow window);
  // The oldest that fit into one report, but for its node key; they stay until settle().
  // nullopt: there are none.
  std::optional<control::FlowReport> report() const;
  // Those of that report are the server's now, or it will never take them.
  enum class Fate { Taken, Refused };
  void settle(const control::FlowReport& report, Fate fate);
  void clear();  // the numbers go on

  bool empty() const { return windows_.empty(); }
  std::size_t rows() const { return rows_; }
  struct Counters {
    std::uint64_t sent = 0, refused = 0;  // windows
    std::uint64_t dropped = 0;            // there was no room for so many
  };
  const Counters& counters() const { return counters_; }

 private:
  void pop();

  std::string run_;
  std::size_t most_rows_;
  std::deque<control::FlowWindow> windows_;
  std::uint64_t first_ = 0;  // number of the oldest
  std::size_t rows_ = 0;
  Counters counters_;
};

}  // namespace aya::flow_logs
