// Any text is refused as a report of flows, with a reason, or becomes rows that can be shown: JSON
// that reads back as what it was, within its limits, and without an address on the Internet side.
#include "coord-server/flow_logs/flow_rows.h"
#include "coord-server/flow_logs/window_text.h"
#include "proto/control/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const WallTime now = *parse_rfc3339("2026-02-01T09:00:10Z");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = flow_logs::read_report(text);
  if (!report) {
    AYA_CHECK(!report.error().empty());
    return 0;
  }
  AYA_CHECK(report->windows.size() <= flow_logs::kMostWindows);
  const auto batch = flow_logs::rows_of(*report, store::NodeId{1}, "n1CNTRL", now);
  if (!batch) {
    AYA_CHECK(!batch.error().empty());
    return 0;
  }
  AYA_CHECK(batch->rows.size() == report->windows.size());
  for (std::size_t i = 0; i < batch->rows.size(); ++i) {
    const store::FlowRow& row = batch->rows[i];
    AYA_CHECK(row.window.size() <= flow_logs::kLongestWindow);
    // Members it does not know are passed over: what is shown is a window still.
    const auto again = control::decode<control::FlowWindow>(flow_logs::entry_text(row));
    AYA_CHECK(again && *again == report->windows[i] && again->start == row.start);
    for (const control::FlowTraffic& sum : again->internet) {
      AYA_CHECK(!sum.source && !sum.destination && sum.protocol == 0);
    }
  }
  return 0;
}
