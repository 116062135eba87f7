// Both ends of the control handshake against the reference, token by token and frame by frame.
#include "proto/noise/control_handshake.h"

#include <gtest/gtest.h>

#include "proto/base/base64.h"
#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::noise {
namespace {

using test::hex;
using test::Json;
using test::key_of;
using test::vector_cases;

// Gives the bytes of an ephemeral key.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(const Json& text) : bytes_(hex(text)) {}
  void fill(MutableBytes out) override {
    ASSERT_EQ(out.size(), bytes_.size());
    copy_bytes(out, bytes_);
  }

 private:
  Buffer bytes_;
};

MachinePrivateKey private_of(const Json& text) {
  return MachinePrivateKey(key_of<crypto::Key32>(text));
}
std::string hex_of(const crypto::Key32& key) { return to_hex(key.bytes()); }

ControlClient client_of(const Json& c) {
  ScriptedRng rng(c.at("client_ephemeral_random"));
  return ControlClient(
      private_of(c.at("client_static_private")),
      key_of<MachinePublicKey>(c.at("server_static_public")), c.at("version"), rng);
}

// One token of the pattern, as the vectors name them, applied to the server's view.
void take_step(const std::string& step, const Json& c, SymmetricState& state) {
  const Buffer initiation = hex(c.at("initiation")), response = hex(c.at("response"));
  const auto mix_dh = [&](const char* secret, const char* point) {
    const auto shared = crypto::x25519(
        key_of<crypto::Key32>(c.at(secret)), std::span<const std::byte, 32>(hex(c.at(point))));
    ASSERT_TRUE(shared);
    state.mix_key(shared->bytes());
  };
  if (step == "prologue") {
    EXPECT_EQ(control_prologue(c.at("version")), c.at("prologue"));
    state.mix_hash(as_bytes(c.at("prologue").get_ref<const std::string&>()));
  } else if (step == "server_static") {
    state.mix_hash(hex(c.at("server_static_public")));
  } else if (step == "e") {
    state.mix_hash(hex(c.at("client_ephemeral_public")));
  } else if (step == "es") {
    mix_dh("server_static_private", "client_ephemeral_public");
  } else if (step == "s") {
    std::array<std::byte, 32> rs;
    EXPECT_TRUE(state.decrypt_and_hash(Bytes(initiation).subspan(5 + 32, 48), rs));
    EXPECT_EQ(to_hex(rs), c.at("client_static_public"));
  } else if (step == "ss") {
    mix_dh("server_static_private", "client_static_public");
  } else if (step == "initiation_done") {
    EXPECT_TRUE(state.decrypt_and_hash(Bytes(initiation).last(16), {}));
  } else if (step == "server_e") {
    state.mix_hash(hex(c.at("server_ephemeral_public")));
  } else if (step == "ee") {
    mix_dh("server_ephemeral_private", "client_ephemeral_public");
  } else if (step == "se") {
    mix_dh("server_ephemeral_private", "client_static_public");
  } else if (step == "response_done") {
    EXPECT_TRUE(state.decrypt_and_hash(Bytes(response).last(16), {}));
  } else {
    EXPECT_EQ(step, "initialize");
  }
}

TEST(ControlHandshakeVectors, EveryTokenLeavesTheStateOfTheReference) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    SymmetricState state("Noise_IK_25519_ChaChaPoly_BLAKE2s");
    for (const Json& step : c.at("steps")) {
      SCOPED_TRACE(step.at("step").get<std::string>());
      take_step(step.at("step"), c, state);
      EXPECT_EQ(to_hex(state.hash()), step.at("h"));
      EXPECT_EQ(hex_of(state.chaining_key()), step.at("ck"));
      EXPECT_EQ(hex_of(state.key()), step.value("k", hex_of(state.key())));
    }
    EXPECT_EQ(hex_of(state.split().first), c.at("key_client_to_server"));
    EXPECT_EQ(hex_of(state.split().second), c.at("key_server_to_client"));
  }
}

void expect_result(const Json& c, const IkResult& result, bool is_client) {
  const std::string to_server = hex_of(is_client ? result.keys.send : result.keys.receive);
  const std::string to_client = hex_of(is_client ? result.keys.receive : result.keys.send);
  EXPECT_EQ(to_server, c.at("key_client_to_server"));
  EXPECT_EQ(to_client, c.at("key_server_to_client"));
  EXPECT_EQ(to_hex(result.handshake_hash), c.at("handshake_hash"));
}

TEST(ControlHandshakeVectors, BothEndsSayAndLearnTheSame) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    ControlClient client = client_of(c);
    EXPECT_EQ(to_hex(client.initiation()), c.at("initiation"));
    EXPECT_EQ(to_base64(client.initiation()), c.at("x_tailscale_handshake"));

    ScriptedRng rng(c.at("server_ephemeral_random"));
    const auto server =
        answer_initiation(private_of(c.at("server_static_private")), client.initiation(), rng);
    ASSERT_TRUE(server);
    EXPECT_EQ(to_hex(server->machine.bytes()), c.at("client_static_public"));
    EXPECT_EQ(server->version, c.at("version"));
    EXPECT_EQ(to_hex(server->response), c.at("response"));
    expect_result(c, server->result, false);

    auto answer = client.read_response(server->response);
    const auto* established = std::get_if<ControlClient::Established>(&answer);
    ASSERT_NE(established, nullptr);
    EXPECT_EQ(established->consumed, kResponseFrameSize);
    expect_result(c, established->result, true);
  }
}

TEST(ControlHandshakeVectors, TheServerTakesAndRefusesWhatTheReferenceDoes) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "server_initiation")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    ScriptedRng rng(c.at("server_ephemeral_random"));
    const Buffer initiation = hex(c.at("initiation"));
    const auto server =
        answer_initiation(private_of(c.at("server_static_private")), initiation, rng);
    ASSERT_EQ(server.has_value(), c.at("ok").get<bool>());
    if (server) {
      EXPECT_EQ(to_hex(server->machine.bytes()), c.at("client_static_public"));
      EXPECT_EQ(server->version, c.at("version"));
      EXPECT_EQ(to_hex(server->response), c.at("reply"));
    } else if (c.at("in_header").get<bool>() || initiation.size() == kInitiationFrameSize) {
      EXPECT_EQ(to_hex(server.error().reply), c.at("reply"));
    }  // else a stream that ended early: whoever reads it has nobody to tell
  }
}

TEST(ControlHandshakeVectors, TheClientTakesAndRefusesWhatTheReferenceDoes) {
  using Client = ControlClient;
  for (const Json& c : vector_cases("wire", "noise_control.json", "client_response")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer response = hex(c.at("response"));
    Client client = client_of(c);
    const auto answer = client.read_response(response);
    const auto* established = std::get_if<Client::Established>(&answer);
    ASSERT_EQ(established != nullptr, c.at("ok").get<bool>());
    if (established != nullptr) {
      EXPECT_EQ(established->consumed, kResponseFrameSize);
      continue;
    }
    const std::string error = c.at("error");
    if (const auto* refused = std::get_if<Client::Refused>(&answer)) {
      EXPECT_EQ(error, "server error: \"" + refused->reason + "\"");
    } else if (error.ends_with("EOF")) {
      EXPECT_TRUE(std::holds_alternative<Client::NeedMore>(answer));
    } else {
      EXPECT_TRUE(std::holds_alternative<ParseError>(answer));
    }
  }
}

// A handshake that needs `received` to be whole asks for more up to its last byte.
TEST(ControlClient, WaitsForTheWholeAnswer) {
  const Json c = vector_cases("wire", "noise_control.json", "handshake").at(0);
  const Buffer response = hex(c.at("response"));
  ControlClient client = client_of(c);
  for (std::size_t size = 0; size < response.size(); ++size) {
    const auto answer = client.read_response(Bytes(response).first(size));
    ASSERT_TRUE(std::holds_alternative<ControlClient::NeedMore>(answer)) << size;
  }
  EXPECT_TRUE(std::holds_alternative<ControlClient::Established>(client.read_response(response)));
}

TEST(ControlClient, HasNothingToSayToAnUnusableServerKey) {
  ScriptedRng rng(Json(std::string(64, '2')));
  const auto self = private_of(std::string(64, '1'));
  EXPECT_TRUE(ControlClient(self, MachinePublicKey(), 116, rng).initiation().empty());
}

}  // namespace
}  // namespace aya::noise
