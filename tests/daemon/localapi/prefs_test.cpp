// The recorded edits of prefs: what each changed, and only that.
#include "proto/local/prefs.h"

#include <gtest/gtest.h>

#include "tests/support/test_vectors.h"

namespace aya::local {
namespace {

using test::Json;

const char* const kExitNode[] = {"ExitNodeID", "ExitNodeIP", "AutoExitNode"};

TEST(RecordedEdits, ChangeTheFieldsOfTheirMaskAndNoOther) {
  std::map<std::string, Json> cases;
  for (const Json& one : test::vector_cases("cli", "localapi.json")) cases[one.at("name")] = one;
  const Json before = Json::parse(cases.at("prefs").at("response").at("body").get<std::string>());
  const Prefs start = *parse_prefs(before.dump());
  std::size_t ran = 0;
  for (const auto& [name, one] : cases) {
    if (!name.starts_with("prefs-patch-") || one.at("response").at("status") != 200) continue;
    SCOPED_TRACE(name);
    const auto edit = parse_masked_prefs(one.at("request").at("body").get<std::string>());
    ASSERT_TRUE(edit) << edit.error();
    EXPECT_FALSE(refusal(*edit));
    const std::string recorded_text = one.at("response").at("body");
    const Json recorded = Json::parse(recorded_text);
    const Prefs recorded_prefs = *parse_prefs(recorded_text);

    // Applied again, an edit changes nothing.
    EXPECT_EQ(Json::parse(to_json(apply(*edit, recorded_prefs))), recorded);

    // Applied to other prefs, it leads to the recorded values where the mask says so.
    const Json after = Json::parse(to_json(apply(*edit, start)));
    bool exit_node = false;
    for (const char* field : kExitNode) exit_node |= edit->sets(field);
    for (const auto& field : after.items()) {
      const bool of_exit_node = std::ranges::find(kExitNode, field.key()) != std::end(kExitNode);
      const bool masked = edit->sets(field.key()) || edit->sets(field.key() + ".Check") ||
                          edit->sets(field.key() + ".Advertise") || (exit_node && of_exit_node);
      EXPECT_EQ(
          field.value(),
          masked ? recorded.value(field.key(), Json()) : before.value(field.key(), Json()))
          << field.key();
    }
    ++ran;
  }
  EXPECT_GE(ran, 19u);
}

TEST(ExitNodeChoice, IsOneTextInThreeFields) {
  for (const std::string_view choice : {"", "n1", "100.64.0.2", "fd7a::2", "auto:any"}) {
    const Prefs prefs = with_exit_node_choice({}, choice);
    EXPECT_EQ(exit_node_choice(prefs), choice);
    EXPECT_EQ(with_exit_node_choice(with_exit_node_choice({}, "auto:any"), choice), prefs);
    // As a client would send it, whatever was chosen before.
    for (const std::string_view before : {"", "n9", "100.64.0.9", "auto:any"}) {
      const Prefs was = with_exit_node_choice({}, before);
      EXPECT_EQ(apply(difference(was, prefs), was), prefs) << before << " -> " << choice;
    }
  }
}

TEST(ExitNodeChoice, IsSwitchedOffAndOnAgain) {
  for (const std::string_view choice : {"n1", "auto:any"}) {
    const Prefs on = with_exit_node_choice({}, choice);
    const auto off = with_exit_node_enabled(on, false);
    ASSERT_TRUE(off);
    EXPECT_EQ(exit_node_choice(*off), "");
    EXPECT_EQ(off->internal_exit_node_prior, choice);
    EXPECT_EQ(*with_exit_node_enabled(*off, false), *off);
    const auto again = with_exit_node_enabled(*off, true);
    ASSERT_TRUE(again);
    EXPECT_EQ(exit_node_choice(*again), choice);
    EXPECT_EQ(*with_exit_node_enabled(*again, true), *again);
  }
  EXPECT_FALSE(with_exit_node_enabled({}, true));
  EXPECT_EQ(*with_exit_node_enabled({}, false), Prefs{});
}

TEST(Prefs, ComeBackFromTheirOwnText) {
  Prefs prefs;
  prefs.control_url = "https://mesh.example";
  prefs.sync = false;
  prefs.no_stateful_filtering.reset();
  prefs.relay_server_port = 0;
  prefs.advertise_routes = {*Prefix::parse("10.0.0.0/8")};
  prefs.server_cert_pin = "sha256-raw:" + std::string(64, 'a');
  const auto back = parse_prefs(to_json(prefs));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, prefs);
  EXPECT_EQ(apply(difference(Prefs{}, prefs), Prefs{}), prefs);
  const auto edit = parse_masked_prefs(to_json(difference(Prefs{}, prefs)));
  ASSERT_TRUE(edit);
  EXPECT_EQ(apply(*edit, Prefs{}), prefs);
}

}  // namespace
}  // namespace aya::local
