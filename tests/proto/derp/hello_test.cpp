#include "proto/derp/hello.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::derp {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

crypto::Key32 secret_of(const Json& text) {
  return crypto::Key32(std::span<const std::byte, 32>(hex(text).data(), 32));
}
RelayPublicKey relay_of(const Json& text) {
  return RelayPublicKey(std::span<const std::byte, 32>(hex(text).data(), 32));
}
crypto::BoxNonce nonce_of(const Json& text) {
  crypto::BoxNonce out{};
  copy_bytes(out, hex(text));
  return out;
}

TEST(DerpVectors, KeysBelongTogether) {
  for (const Json& c : vector_cases("wire", "derp.json", "keys")) {
    EXPECT_EQ(
        to_hex(NodePrivateKey(secret_of(c.at("client_a_private"))).public_key().bytes()),
        c.at("client_a_public"));
    EXPECT_EQ(
        to_hex(NodePrivateKey(secret_of(c.at("client_b_private"))).public_key().bytes()),
        c.at("client_b_public"));
    EXPECT_EQ(
        to_hex(RelayPrivateKey(secret_of(c.at("server_private"))).public_key().bytes()),
        c.at("server_public"));
    const auto mesh = MeshKey::parse(c.at("mesh_key_text").get<std::string>());
    ASSERT_TRUE(mesh);
    EXPECT_EQ(mesh->to_text_for_seal(), c.at("mesh_key_text"));
  }
}

TEST(DerpVectors, ClientInfoIsWrittenByteForByte) {
  for (const Json& c : vector_cases("wire", "derp.json", "client_frame")) {
    if (c.at("type") != "ClientInfo") continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto info = client_info_from_json(c.at("json").get<std::string>());
    ASSERT_TRUE(info);
    EXPECT_EQ(to_json(*info), c.at("json"));
    Buffer frame;
    ASSERT_TRUE(write_client_info(
        NodePrivateKey(secret_of(c.at("client_private"))), relay_of(c.at("server_public")),
        nonce_of(c.at("nonce")), *info, frame));
    EXPECT_EQ(to_hex(frame), c.at("frame"));
  }
}

TEST(DerpVectors, ServerInfoIsWrittenByteForByte) {
  Json keys = vector_cases("wire", "derp.json", "keys").at(0);
  for (const Json& c : vector_cases("wire", "derp.json", "server_frame")) {
    if (c.at("type") != "ServerInfo") continue;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Json& fields = c.at("fields");
    const NodePrivateKey client(secret_of(fields.at("client_private")));
    const auto info = server_info_from_json(fields.at("json").get<std::string>());
    ASSERT_TRUE(info);
    EXPECT_EQ(to_json(*info), fields.at("json"));
    Buffer frame;
    ASSERT_TRUE(write_server_info(
        RelayPrivateKey(secret_of(keys.at("server_private"))), client.public_key(),
        nonce_of(fields.at("nonce")), *info, frame));
    EXPECT_EQ(to_hex(frame), c.at("frame"));
    EXPECT_TRUE(open_server_info(
        client, relay_of(fields.at("server_public")), Bytes(frame).subspan(kFrameHeaderSize)));
  }
}

TEST(DerpVectors, AClientTakesOnlyARealGreeting) {
  for (const Json& c : vector_cases("wire", "derp.json", "client_greeting")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer stream = hex(c.at("input"));
    Bytes input = stream;
    FrameReader reader;
    std::optional<RelayPublicKey> key;
    if (reader.step(input) == FrameReader::Step::Header &&
        reader.header().type == FrameType::ServerKey &&
        reader.header().length <= kMaxServerKeyFrame &&
        reader.step(input) == FrameReader::Step::Frame) {
      if (const auto parsed = parse_server_key(reader.payload())) key = *parsed;
    }
    EXPECT_EQ(key.has_value(), c.at("ok").get<bool>());
    if (key && c.contains("server_public")) {
      EXPECT_EQ(to_hex(key->bytes()), c.at("server_public"));
    }
  }
}

void expect_same(const Greeting& greeting, const Json& c) {
  const Json& info = c.at("info");
  EXPECT_EQ(to_hex(greeting.node.bytes()), c.at("client_public"));
  EXPECT_EQ(greeting.info.version, info.value("version", std::int64_t{0}));
  EXPECT_EQ(greeting.info.can_ack_pings, info.value("CanAckPings", false));
  EXPECT_EQ(greeting.info.is_prober, info.value("IsProber", false));
  EXPECT_EQ(greeting.info.app_name, info.value("AppName", ""));
  EXPECT_EQ(greeting.info.mesh_key.has_value(), info.contains("meshKey"));
  if (greeting.info.mesh_key) {
    EXPECT_EQ(greeting.info.mesh_key->to_text_for_seal(), info.at("meshKey"));
  }
  const auto ours = MeshKey::parse(c.at("server_mesh_key").get<std::string>());
  ASSERT_TRUE(ours);
  EXPECT_EQ(
      ours->matches(greeting.info.mesh_key.value_or(MeshKey())), c.at("mesh_allowed").get<bool>());
}

TEST(DerpVectors, ARelayTakesWhatTheReferenceTakes) {
  for (const Json& c : vector_cases("wire", "derp.json", "server_client_info")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer stream = hex(c.at("input"));
    Bytes input = stream;
    FrameReader reader;
    std::optional<Greeting> greeting;
    if (reader.step(input) == FrameReader::Step::Header &&
        reader.header().type == FrameType::ClientInfo && reader.header().length <= kMaxClientInfo &&
        reader.step(input) == FrameReader::Step::Frame) {
      auto opened =
          open_client_info(RelayPrivateKey(secret_of(c.at("server_private"))), reader.payload());
      if (opened) greeting = std::move(*opened);
    }
    ASSERT_EQ(greeting.has_value(), c.at("ok").get<bool>());
    if (greeting) expect_same(*greeting, c);
  }
}

TEST(DerpHello, InfoJsonIsReadWithoutTrustingIt) {
  EXPECT_TRUE(client_info_from_json("null"));
  EXPECT_TRUE(client_info_from_json(R"({"version":null,"CanAckPings":null,"AppName":null})"));
  EXPECT_EQ(client_info_from_json(R"({"VERSION":7})")->version, 7);
  EXPECT_FALSE(client_info_from_json(""));
  EXPECT_FALSE(client_info_from_json("7"));
  EXPECT_FALSE(client_info_from_json(R"({"version":2.5})"));
  EXPECT_FALSE(client_info_from_json(R"({"version":18446744073709551615})"));
  EXPECT_FALSE(client_info_from_json(R"({"version":1e400})"));
  EXPECT_FALSE(client_info_from_json(R"({"CanAckPings":1})"));
  EXPECT_FALSE(client_info_from_json(R"({"AppName":["x"]})"));
  EXPECT_FALSE(client_info_from_json(std::string(kMaxClientInfo, '[')));
}

TEST(DerpHello, ALowOrderKeyIsNoPartner) {
  Buffer frame;
  const NodePrivateKey self(
      secret_of("1011111111111111111111111111111111111111111111111111111111111151"));
  EXPECT_FALSE(write_client_info(self, RelayPublicKey(), {}, {}, frame));
  EXPECT_TRUE(frame.empty());
  EXPECT_EQ(
      open_client_info(RelayPrivateKey(self.secret()), Buffer(80)).error(), ParseError::BadSeal);
}

}  // namespace
}  // namespace aya::derp
