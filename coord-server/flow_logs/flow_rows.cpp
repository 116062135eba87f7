#include "coord-server/flow_logs/flow_rows.h"

#include <algorithm>
#include <array>

#include "proto/control/json_text.h"

namespace aya::flow_logs {
namespace {

using control::FlowReport;
using control::FlowTraffic;
using control::FlowWindow;

constexpr std::size_t kLongestRun = 64;
constexpr std::uint64_t kMostNumber = std::uint64_t{1} << 53;

bool is_run(const std::string& text) {
  return !text.empty() && text.size() <= kLongestRun && std::ranges::all_of(text, [](char ch) {
           return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f');
         });
}

// Where people go on the Internet is not to be kept, whoever sends it.
std::string fault_in(const FlowTraffic& traffic, bool to_internet) {
  if (traffic.source.has_value() != traffic.destination.has_value()) {
    return "a row has one end only";
  }
  if (to_internet && (traffic.source || traffic.protocol != 0)) {
    return "exitTraffic: want sums, without addresses and protocols";
  }
  if (traffic.count.empty()) return "a row counts nothing";
  const auto& c = traffic.count;
  for (const std::uint64_t figure :
       {c.sent_packets, c.sent_bytes, c.received_packets, c.received_bytes}) {
    if (figure > kMostNumber) return "a row counts too much";
  }
  return {};
}

std::string fault_in(const FlowWindow& window, WallTime now) {
  if (!window.start || !window.end) return "a window without start or end";
  if (*window.end < *window.start || *window.end - *window.start > kLongestTime) {
    return "a window is to end after it began, and within five minutes";
  }
  if (*window.end > now + kClockSkew) return "a window lies in the future; see to the node's clock";
  if (*window.start < now - kOldestWindow) return "a window is too old; see to the node's clock";
  if (window.rows() == 0) return "a window counts nothing";
  for (const auto* list : {&window.mesh, &window.subnet, &window.internet, &window.outer}) {
    for (const FlowTraffic& traffic : *list) {
      if (auto fault = fault_in(traffic, list == &window.internet); !fault.empty()) return fault;
    }
  }
  return {};
}

}  // namespace

Result<FlowReport, std::string> read_report(std::string_view json) {
  auto report = control::decode<FlowReport>(json);
  if (!report) return std::string("unreadable FlowReport");
  if (!is_run(report->run)) return std::string("Run: want hexadecimal digits");
  if (report->first > kMostNumber) return std::string("First: too large");
  if (report->windows.empty() || report->windows.size() > kMostWindows) {
    return "Windows: want 1 to " + std::to_string(kMostWindows);
  }
  std::size_t rows = 0;
  for (const FlowWindow& window : report->windows) rows += window.rows();
  if (rows > kMostRows) return "Windows: more than " + std::to_string(kMostRows) + " rows";
  return *std::move(report);
}

Result<store::FlowBatch, std::string> rows_of(
    const FlowReport& report, store::NodeId node, const std::string& stable_id, WallTime now) {
  store::FlowBatch out{node, report.run, report.first, {}};
  for (const FlowWindow& window : report.windows) {
    if (auto fault = fault_in(window, now); !fault.empty()) return fault;
    std::string text = control::encode(window);
    if (text.size() > kLongestWindow) return std::string("a window is too long");
    out.rows.push_back({0, stable_id, now, *window.start, std::move(text)});
  }
  return out;
}

}  // namespace aya::flow_logs
