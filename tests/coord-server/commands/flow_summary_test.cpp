#include "coord-server/commands/flow_summary.h"

#include <gtest/gtest.h>

namespace aya::coord {
namespace {

const Json kThreeDevices = Json::parse(R"([
  {"name":"web1.mesh.test","nodeId":"n1CNTRL","addresses":["100.64.0.11","fd7a:115c:a1e0::11"]},
  {"name":"db1.mesh.test","nodeId":"n2CNTRL","addresses":["100.64.0.12"]},
  {"name":"router.mesh.test","nodeId":"n3CNTRL","addresses":["100.64.0.13"]}])");

std::string told(const Json& windows) {
  const FlowNames names(kThreeDevices);
  FlowSums sums(names);
  for (const Json& window : windows) sums.add(window);
  std::string out;
  for (const FlowSum& sum : sums.most_first()) {
    out += sum.node + " | " + sum.with + " | " + sum.what + " | " + std::to_string(sum.sent) + ' ' +
           std::to_string(sum.received) + '\n';
  }
  return out;
}

Json window(const char* node, const char* lists) {
  Json out = Json::parse(lists);
  out["nodeId"] = node;
  return out;
}

TEST(FlowSummary, AddsUpWhoTalkedWithWhom) {
  const Json windows = {
      window("n1CNTRL", R"({"virtualTraffic":[
        {"proto":6,"src":"100.64.0.11:40000","dst":"100.64.0.12:5432","txBytes":10,"rxBytes":20},
        {"proto":6,"src":"100.64.0.11:40001","dst":"100.64.0.12:5432","txBytes":1}]})"),
      window("n1CNTRL", R"({"virtualTraffic":[
        {"proto":6,"src":"[fd7a:115c:a1e0::11]:9","dst":"100.64.0.12:5432","txBytes":100}],
        "exitTraffic":[{"txBytes":7,"rxBytes":7000}]})"),
      window("n2CNTRL", R"({"virtualTraffic":[
        {"proto":6,"src":"100.64.0.12:5432","dst":"100.64.0.11:40000","txBytes":20,"rxBytes":10},
        {"proto":1,"src":"100.64.0.12:0","dst":"100.64.0.99:0","txBytes":3},{"txBytes":2}]})")};
  EXPECT_EQ(
      told(windows),
      "web1 | (the Internet) | - | 7 7000\n"
      "web1 | db1 | tcp/9 | 100 0\n"
      "web1 | db1 | tcp/5432 | 11 20\n"
      "db1 | web1 | tcp/5432 | 20 10\n"
      "db1 | 100.64.0.99 | icmp | 3 0\n"
      "db1 | (others) | - | 2 0\n");
}

TEST(FlowSummary, SaysForWhomARouterPassedThingsOn) {
  const Json windows = Json::array({window("n3CNTRL", R"({"subnetTraffic":[
      {"proto":17,"src":"10.77.0.5:53","dst":"100.64.0.11:40001","txBytes":130,"rxBytes":70}]})")});
  EXPECT_EQ(told(windows), "router | web1 for 10.77.0.5 | udp/53 | 130 70\n");
}

TEST(FlowSummary, LeavesOutByWhichWayPacketsWent) {
  EXPECT_EQ(
      told(Json::array({window("n1CNTRL", R"({"physicalTraffic":[
          {"src":"100.64.0.12:0","dst":"198.51.100.7:41641","txBytes":1}]})")})),
      "");
}

TEST(FlowSummary, TakesWhatIsUnreadableForNothing) {
  EXPECT_EQ(told(Json::array({7, Json::object(), {{"virtualTraffic", 3}}})), "");
  EXPECT_EQ(
      told(Json::array(
          {window("gone", R"({"virtualTraffic":[{"src":7,"txBytes":-1,"proto":"x"}]})")})),
      "gone | (others) | - | 0 0\n");
}

TEST(FlowSummary, WritesSizesShortly) {
  const std::pair<std::uint64_t, const char*> sizes[] = {
      {0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {9000, "9.0 kB"}, {1'500'000, "1.5 MB"},
      {2'000'000'000'000, "2.0 TB"}, {~std::uint64_t{0}, "18446.7 PB"}};
  for (const auto& [bytes, text] : sizes) EXPECT_EQ(size_text(bytes), text);
}

}  // namespace
}  // namespace aya::coord
