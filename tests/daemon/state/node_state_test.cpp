// The form of the state on disk.
#include "daemon/state/node_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::state {
namespace {

NodeState full(Rng& rng) {
  NodeState state;
  state.machine_key = MachinePrivateKey::generate(rng);
  state.node_key = NodePrivateKey::generate(rng);
  state.old_node_key = NodePrivateKey::generate(rng);
  state.node_id = "n7CNTRL";
  state.profile = {-3, "alice@mesh.test", "アリス \"A\"\n", "https://mesh.test/a.png"};
  state.control_url = "https://coord.test:8443";
  state.server_certificate = "sha256-raw:00ff";
  state.server_key = MachinePrivateKey::generate(rng).public_key();
  state.server_url = "https://coord.test";
  state.prefs = "{\"WantRunning\":true}\n";
  state.name_key = "profile-1";
  return state;
}

TEST(NodeStateText, ComesBackAsItWas) {
  test::SeededRng rng;
  const NodeState was = full(rng);
  const auto is = decode_node_state(encode(was));
  ASSERT_TRUE(is) << is.error().what;
  EXPECT_EQ(is->machine_key.public_key(), was.machine_key.public_key());
  EXPECT_EQ(is->node_key.public_key(), was.node_key.public_key());
  EXPECT_EQ(is->old_node_key.public_key(), was.old_node_key.public_key());
  EXPECT_EQ(is->node_id, was.node_id);
  EXPECT_EQ(is->profile, was.profile);
  EXPECT_EQ(is->control_url, was.control_url);
  EXPECT_EQ(is->server_certificate, was.server_certificate);
  EXPECT_EQ(is->server_key, was.server_key);
  EXPECT_EQ(is->server_url, was.server_url);
  EXPECT_EQ(is->prefs, was.prefs);
  EXPECT_EQ(is->name_key, was.name_key);
  EXPECT_EQ(encode(*is), encode(was));
}

// A program that knows one login only must refuse the file instead of forgetting the others.
TEST(NodeStateText, OtherLoginsComeBackAndRaiseTheVersion) {
  test::SeededRng rng;
  NodeState was = full(rng);
  EXPECT_NE(encode(was).find("\"version\": 1"), std::string::npos);
  was.others.resize(2);
  LoginState& other = was.others.front();
  for (LoginState& login : was.others) login.machine_key = MachinePrivateKey::generate(rng);
  other.node_key = NodePrivateKey::generate(rng);
  other.name_key = "d3a0";
  other.created = "2026-01-02T03:04:05Z";
  other.network = {"example.org", "mesh.example.org"};
  other.prefs = "{}";
  was.others.back().name_key = "ffff";
  const std::string text = encode(was);
  EXPECT_NE(text.find("\"version\": 2"), std::string::npos);
  const auto is = decode_node_state(text);
  ASSERT_TRUE(is) << is.error().what;
  ASSERT_EQ(is->others.size(), 2u);
  EXPECT_EQ(is->others[0].node_key.public_key(), other.node_key.public_key());
  EXPECT_EQ(is->others[0].network, other.network);
  EXPECT_EQ(is->others[1].name_key, "ffff");
  EXPECT_EQ(encode(*is), text);
}

TEST(NodeStateText, AMachineKeyIsAllItNeeds) {
  test::SeededRng rng;
  const std::string key = MachinePrivateKey::generate(rng).to_text_for_storage();
  const auto state = decode_node_state(
      R"({"version":1,"machineKey":")" + key + R"(","nodeKey":null,"someDay":[1,2]})");
  ASSERT_TRUE(state) << state.error().what;
  EXPECT_FALSE(state->has_node_key());
}

TEST(NodeStateText, BytesThatAreNoTextDoNotMakeAFileThatCannotBeRead) {
  test::SeededRng rng;
  NodeState state = full(rng);
  state.profile.display_name = "\xff\xfe";
  EXPECT_TRUE(decode_node_state(encode(state)));
}

TEST(NodeStateText, EveryCutAndEveryWrongTypeIsRefusedWithItsPlace) {
  test::SeededRng rng;
  const std::string good = encode(full(rng));
  for (std::size_t size = 0; size + 2 < good.size(); ++size) {
    const auto state = decode_node_state(std::string_view(good).substr(0, size));
    ASSERT_FALSE(state) << size;
    EXPECT_FALSE(state.error().newer);
  }
  const std::string key = MachinePrivateKey::generate(rng).to_text_for_storage();
  const auto with = [&](const std::string& fields) {
    const auto state =
        decode_node_state(R"({"version":1,"machineKey":")" + key + "\"," + fields + "}");
    return state ? std::string("accepted") : state.error().what;
  };
  EXPECT_EQ(with(R"("nodeId":"n1")"), "accepted");
  EXPECT_EQ(with(R"("nodeKey":"privkey:12")"), "\"nodeKey\" is not a private key");
  EXPECT_EQ(with(R"("nodeKey":12)"), "\"nodeKey\" is not text");
  EXPECT_EQ(with(R"("prefs":{})"), "\"prefs\" is not text");
  EXPECT_EQ(with(R"("profile":[])"), "\"profile\" is not an object");
  EXPECT_EQ(with(R"("profile":{"userId":"7"})"), "\"userId\" is not a whole number");
  EXPECT_EQ(with(R"("others":{})"), "\"others\" is not a list");
  EXPECT_EQ(with(R"("others":[7])"), "\"others\" holds something that is not an object");
  EXPECT_EQ(with(R"("others":[{"prefs":{}}])"), "\"machineKey\" is missing");
  EXPECT_EQ(decode_node_state(R"({"version":1})").error().what, "\"machineKey\" is missing");
  EXPECT_EQ(decode_node_state("[]").error().what, "it is not a JSON object");
}

TEST(NodeStateText, ALaterVersionIsToldFromNonsense) {
  EXPECT_TRUE(decode_node_state(R"({"version":3})").error().newer);
  EXPECT_FALSE(decode_node_state(R"({"version":0})").error().newer);
  EXPECT_FALSE(decode_node_state(R"({"version":"2"})").error().newer);
  EXPECT_FALSE(decode_node_state("{}").error().newer);
}

}  // namespace
}  // namespace aya::state
