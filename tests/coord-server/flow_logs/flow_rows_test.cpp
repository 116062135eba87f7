#include "coord-server/flow_logs/flow_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord-server/flow_logs/window_text.h"
#include "proto/control/json_text.h"

namespace aya::flow_logs {
namespace {

using testing::HasSubstr;

const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:10Z");

std::string report_with(const std::string& windows, const std::string& run = "a1") {
  return R"({"Run":")" + run + R"(","First":3,"Windows":[)" + windows + "]}";
}
std::string window_with(
    const std::string& lists, const std::string& start = "2026-02-01T09:00:00Z",
    const std::string& end = "2026-02-01T09:00:05Z") {
  return R"({"start":")" + start + R"(","end":")" + end + "\"," + lists + '}';
}
const std::string kRow = R"({"proto":6,"src":"100.64.0.1:1","dst":"100.64.0.2:2","txPkts":1})";
const std::string kMesh = R"("virtualTraffic":[)" + kRow + ']';

// Why it is not taken; empty: it is.
std::string fault(const std::string& json) {
  const auto report = read_report(json);
  if (!report) return report.error();
  const auto rows = rows_of(*report, store::NodeId{7}, "n1CNTRL", kNow);
  return rows ? "" : rows.error();
}

TEST(FlowRows, AreTheWindowsOfAReport) {
  const auto report = read_report(report_with(window_with(kMesh) + ',' + window_with(kMesh)));
  ASSERT_TRUE(report) << report.error();
  const auto batch = rows_of(*report, store::NodeId{7}, "n1CNTRL", kNow);
  ASSERT_TRUE(batch) << batch.error();
  EXPECT_EQ(batch->node, store::NodeId{7});
  EXPECT_EQ(batch->run, "a1");
  EXPECT_EQ(batch->first, 3u);
  ASSERT_EQ(batch->rows.size(), 2u);
  EXPECT_EQ(batch->rows[0].start, parse_rfc3339("2026-02-01T09:00:00Z"));
  EXPECT_EQ(batch->rows[0].logged, kNow);
  EXPECT_EQ(
      entry_text(batch->rows[0]),
      R"({"logged":"2026-02-01T09:00:10Z","nodeId":"n1CNTRL","start":"2026-02-01T09:00:00Z",)"
      R"("end":"2026-02-01T09:00:05Z",)" + kMesh + '}');
}

TEST(FlowRows, WhatTheyDoNotKnowTheyDoNotKeep) {
  const std::string more =
      R"("secret":"s3cret","virtualTraffic":[{"txPkts":1,"process":"s3cret"}])";
  const auto batch =
      rows_of(*read_report(report_with(window_with(more))), store::NodeId{7}, "n1CNTRL", kNow);
  ASSERT_TRUE(batch) << batch.error();
  EXPECT_THAT(batch->rows[0].window, Not(HasSubstr("s3cret")));
}

struct Case {
  std::string json, fault;
};

TEST(FlowRows, SayWhyAReportIsNotTaken) {
  const auto list = [](const char* name, const std::string& rows) {
    return report_with(window_with('"' + std::string(name) + "\":[" + rows + ']'));
  };
  std::string many;
  for (std::size_t i = 0; i < kMostRows + 1; ++i) many += (i > 0 ? "," : "") + kRow;
  std::string long_one;
  const std::string long_row =
      R"({"proto":6,"src":"[fd7a:115c:a1e0:ab12:4843:cd96:6240:1234]:40000",)"
      R"("dst":"[fd7a:115c:a1e0:ab12:4843:cd96:6240:5678]:40000","txPkts":1234567})";
  for (int i = 0; i < 8000; ++i) long_one += (i > 0 ? "," : "") + long_row;
  const Case cases[] = {
      {report_with(window_with(kMesh)), ""},
      {list("exitTraffic", R"({"txPkts":3,"txBytes":300})"), ""},
      {list("virtualTraffic", R"({"rxPkts":1})"), ""},
      {"", "unreadable"},
      {"[]", "unreadable"},
      {R"({"Run":"a1"})", "Windows"},
      {report_with(""), "Windows"},
      {report_with(window_with(kMesh), ""), "Run"},
      {report_with(window_with(kMesh), "A1"), "Run"},
      {report_with(window_with(kMesh), std::string(65, 'a')), "Run"},
      {R"({"Run":"a1","First":9223372036854775807,"Windows":[)" + window_with(kMesh) + "]}",
       "First"},
      {report_with('{' + kMesh + '}'), "without start or end"},
      {report_with(window_with(R"("virtualTraffic":[])")), "counts nothing"},
      {list("virtualTraffic", R"({"proto":6,"src":"100.64.0.1:1","dst":"100.64.0.2:2"})"),
       "counts nothing"},
      {list("virtualTraffic", R"({"src":"100.64.0.1:1","txPkts":1})"), "one end"},
      {list("virtualTraffic", R"({"txPkts":9223372036854775807})"), "too much"},
      {list("exitTraffic", kRow), "want sums"},
      {list("exitTraffic", R"({"proto":6,"txPkts":1})"), "want sums"},
      {report_with(window_with(kMesh, "2026-02-01T09:00:05Z", "2026-02-01T09:00:00Z")), "to end"},
      {report_with(window_with(kMesh, "2026-02-01T08:50:00Z", "2026-02-01T09:00:00Z")), "to end"},
      {report_with(window_with(kMesh, "2026-02-01T09:30:00Z", "2026-02-01T09:30:05Z")), "future"},
      {report_with(window_with(kMesh, "2026-01-01T09:00:00Z", "2026-01-01T09:00:05Z")), "too old"},
      {list("virtualTraffic", many), "more than"},
      {list("virtualTraffic", long_one), "too long"}};
  for (const Case& c : cases) {
    const std::string got = fault(c.json);
    if (c.fault.empty()) {
      EXPECT_EQ(got, "") << c.json.substr(0, 200);
    } else {
      EXPECT_THAT(got, HasSubstr(c.fault)) << c.json.substr(0, 200);
    }
  }
}

}  // namespace
}  // namespace aya::flow_logs
