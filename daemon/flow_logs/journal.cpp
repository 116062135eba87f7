#include "daemon/flow_logs/journal.h"

namespace aya::flow_logs {

void Journal::pop() {
  rows_ -= windows_.front().rows();
  windows_.pop_front();
  ++first_;
}

void Journal::add(control::FlowWindow window) {
  rows_ += window.rows();
  windows_.push_back(std::move(window));
  while (rows_ > most_rows_ && windows_.size() > 1) {
    pop();
    ++counters_.dropped;
  }
}

std::optional<control::FlowReport> Journal::report() const {
  if (windows_.empty()) return std::nullopt;
  control::FlowReport out;
  out.run = run_;
  out.first = first_;
  std::size_t rows = 0;
  for (const control::FlowWindow& window : windows_) {
    rows += window.rows();
    if (rows > kReportRows && !out.windows.empty()) break;
    out.windows.push_back(window);
  }
  return out;
}

void Journal::settle(const control::FlowReport& report, Fate fate) {
  const std::uint64_t end = report.first + report.windows.size();
  (fate == Fate::Taken ? counters_.sent : counters_.refused) += report.windows.size();
  // Some of them may have gone meanwhile.
  while (!windows_.empty() && first_ < end) pop();
}

void Journal::clear() {
  while (!windows_.empty()) pop();
}

}  // namespace aya::flow_logs
