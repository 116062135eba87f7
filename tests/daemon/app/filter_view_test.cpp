// The packet filter as people see it.
#include "daemon/app/filter_view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "proto/control/json_text.h"
#include "tests/support/test_vectors.h"

namespace aya::app {
namespace {

using Json = nlohmann::json;

// What a daemon in use answered about the rules that it had been sent.
TEST(FilterView, ShowsTheRecordedRulesAsRecorded) {
  Json rules, matches;
  for (const Json& one : test::vector_cases("cli", "localapi.json")) {
    const std::string name = one.at("name");
    if (!name.starts_with("get-debug-packet-filter-")) continue;
    Json& body = name.ends_with("rules") ? rules : matches;
    body = Json::parse(one.at("response").at("body").get<std::string>());
  }
  const auto read = control::decode<control::FilterRules>(rules.dump());
  ASSERT_TRUE(read);
  ASSERT_FALSE(read->empty());
  EXPECT_EQ(Json::parse(show_filter_rules(*read).text), rules);
  EXPECT_EQ(Json::parse(show_filter_matches(*read).text), matches);
}

TEST(FilterView, NamesCapabilitiesAndLeavesOutWhatTheFilterRefuses) {
  control::FilterRule rule;
  rule.src_ips = {"cap:example.com/cap/tv", "100.64.0.2", "nonsense"};
  rule.ip_proto = {6};
  rule.dst_ports = {{"100.64.0.1", {}, {22, 23}}, {"cap:x", {}, {0, 65535}}};
  control::CapGrant grant;
  grant.dsts = {*Prefix::parse("100.64.0.1/32")};
  grant.cap_map["example.com/cap/tv"] = {{R"({"channel":1})"}};
  rule.cap_grants = {grant};
  const Json shown = Json::parse(show_filter_matches({rule}).text);
  const Json wanted = Json::parse(R"([{
    "IPProto": [6],
    "Srcs": ["100.64.0.2/32"],
    "SrcCaps": ["example.com/cap/tv"],
    "Dsts": [{"Net": "100.64.0.1/32", "Ports": {"First": 22, "Last": 23}}],
    "Caps": [{"Dst": "100.64.0.1/32", "Cap": "example.com/cap/tv", "Values": [{"channel": 1}]}]
  }])");
  EXPECT_EQ(shown, wanted) << shown.dump(1);
  EXPECT_EQ(show_filter_matches({}).text, "[]");
}

}  // namespace
}  // namespace aya::app
