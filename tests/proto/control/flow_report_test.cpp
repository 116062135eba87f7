#include "proto/control/flow_report.h"

#include <gtest/gtest.h>

#include "proto/control/json_text.h"

namespace aya::control {
namespace {

FlowWindow window() {
  FlowWindow out;
  out.start = parse_rfc3339("2026-02-01T09:00:00Z");
  out.end = parse_rfc3339("2026-02-01T09:00:05Z");
  out.mesh = {
      {6, *Endpoint::parse("100.64.0.11:40000"), *Endpoint::parse("[fd7a:115c:a1e0::1]:5432"),
       {10, 1200, 8, 9000}}};
  out.internet = {{0, {}, {}, {3, 300, 0, 0}}};
  return out;
}

TEST(FlowReport, HasTheNamesThatPeopleAreShown) {
  EXPECT_EQ(
      encode(window()),
      R"({"start":"2026-02-01T09:00:00Z","end":"2026-02-01T09:00:05Z","virtualTraffic":[{"proto":6,)"
      R"("src":"100.64.0.11:40000","dst":"[fd7a:115c:a1e0::1]:5432","txPkts":10,"txBytes":1200,)"
      R"("rxPkts":8,"rxBytes":9000}],"exitTraffic":[{"txPkts":3,"txBytes":300}]})");
}

TEST(FlowReport, ComesBackAsItWas) {
  FlowReport report;
  report.run = "a1";
  report.first = 7;
  report.windows = {window(), window()};
  const auto read = decode<FlowReport>(encode(report));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, report);
}

TEST(FlowReport, IsRefusedAsAWholeWhereAPartIsUnreadable) {
  for (const char* bad :
       {R"({"Windows":[{"virtualTraffic":[{"src":"100.64.0.1"}]}]})",
        R"({"Windows":[{"virtualTraffic":[{"txPkts":-1}]}]})",
        R"({"Windows":[{"virtualTraffic":[{"proto":256}]}]})", R"({"Windows":{}})",
        R"({"First":"1"})", R"([])", ""}) {
    EXPECT_FALSE(decode<FlowReport>(bad)) << bad;
  }
}

TEST(FlowReport, ThatANodeCountsTravelsInHostinfoAndLeavesNoTrace) {
  Hostinfo host;
  set_counts_flows(host, true);
  EXPECT_TRUE(counts_flows(*decode<Hostinfo>(encode(host))));
  set_counts_flows(host, false);
  EXPECT_EQ(host, Hostinfo{});
  EXPECT_FALSE(counts_flows(host));
  EXPECT_FALSE(counts_flows(*decode<Hostinfo>(R"({"FlowLogs":"yes"})")));
}

}  // namespace
}  // namespace aya::control
