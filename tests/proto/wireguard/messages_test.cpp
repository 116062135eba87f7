// WireGuard's messages, padding and timestamps against the reference.
#include "proto/wireguard/messages.h"

#include <gtest/gtest.h>

#include <map>

#include "proto/base/hex.h"
#include "proto/crypto/aead_batch.h"
#include "proto/wireguard/macs.h"
#include "tests/support/test_vectors.h"

namespace aya::wireguard {
namespace {

using test::hex;
using test::Json;
using test::key_of;
using test::vector_cases;

// Header, padded packet and tag, sealed as the engine does it.
Buffer seal_transport(const Json& c) {
  Buffer packet(sizeof(TransportHeader));
  auto& header = *view<TransportHeader>(MutableBytes(packet));
  header.type = static_cast<std::uint32_t>(MessageType::Transport);
  header.receiver = c.at("receiver_index").get<std::uint32_t>();
  header.counter = test::u64(c.at("counter"));
  Buffer text = hex(c.at("plaintext"));
  text.resize(text.size() + padding_for(text.size(), c.at("mtu")));
  const auto length = static_cast<std::uint32_t>(text.size());
  text.resize(text.size() + 16);
  crypto::AeadJob job{text.data(), length, header.counter, false};
  crypto::choose_aead().aead->seal(key_of<crypto::Key32>(c.at("key")), std::span(&job, 1));
  append(packet, text);
  return packet;
}

TEST(WireguardVectors, DataIsSealedByteForByte) {
  for (const Json& c : vector_cases("wire", "wireguard.json", "transport")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    EXPECT_EQ(padding_for(hex(c.at("plaintext")).size(), c.at("mtu")), c.at("padding"));
    EXPECT_EQ(to_hex(seal_transport(c)), c.at("packet"));
  }
}

TEST(WireguardVectors, DataIsOpened) {
  const auto aead = std::move(crypto::choose_aead().aead);
  for (const Json& c : vector_cases("wire", "wireguard.json", "transport")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    Buffer packet = hex(c.at("packet"));
    ASSERT_EQ(message_type(packet), MessageType::Transport);
    const auto& header = *view<TransportHeader>(Bytes(packet));
    EXPECT_EQ(header.receiver, c.at("receiver_index").get<std::uint32_t>());
    EXPECT_EQ(header.counter, test::u64(c.at("counter")));
    const std::size_t length = packet.size() - kTransportOverhead;
    crypto::AeadJob job{
        packet.data() + sizeof(TransportHeader), static_cast<std::uint32_t>(length), header.counter,
        false};
    aead->open(key_of<crypto::Key32>(c.at("key")), std::span(&job, 1));
    ASSERT_TRUE(job.ok);
    const Buffer plain = hex(c.at("plaintext"));
    const Bytes opened(job.data, length);
    ASSERT_EQ(opened.size(), plain.size() + c.at("padding").get<std::size_t>());
    EXPECT_EQ(to_hex(opened.first(plain.size())), to_hex(plain));
    for (const std::byte b : opened.subspan(plain.size())) EXPECT_EQ(b, std::byte{0});
  }
}

TEST(WireguardVectors, PaddingFillsUnitsOfSixteenWithinTheMtu) {
  for (const Json& c : vector_cases("wire", "wireguard.json", "padding")) {
    ASSERT_EQ(c.at("columns"), Json({"length", "mtu", "padding"}));
    ASSERT_FALSE(c.at("rows").empty());
    for (const Json& row : c.at("rows")) {
      EXPECT_EQ(padding_for(row[0], row[1]), row[2]) << row;
    }
  }
}

TEST(WireguardVectors, TimestampsHideTheirLastDigits) {
  for (const Json& c : vector_cases("wire", "wireguard.json", "timestamp")) {
    const WallTime time(
        std::chrono::seconds(c.at("unix_seconds").get<std::int64_t>()) +
        std::chrono::nanoseconds(c.at("nanoseconds").get<std::int64_t>()));
    EXPECT_EQ(to_hex(timestamp_of(time)), c.at("timestamp")) << c.at("name");
  }
}

// The checks of an initiator, in their order; it has sent the initiation of `h`.
bool initiator_takes(const Json& h, Bytes packet, bool look_at_mac1) {
  if (message_type(packet) != MessageType::Response) return false;
  const NodePrivateKey self(key_of<crypto::Key32>(h.at("initiator_private")));
  if (look_at_mac1 && !mac1_is_good(mac_keys_of(self.public_key()), packet)) return false;
  const auto& message = *view<HandshakeResponse>(packet);
  if (message.receiver != h.at("initiator_index").get<std::uint32_t>()) return false;
  const auto peer = key_of<NodePublicKey>(h.at("responder_public"));
  noise::Timestamp timestamp;
  copy_bytes(timestamp, hex(h.at("timestamp")));
  noise::Ikpsk2Initiation sent;
  const auto initiator = noise::Ikpsk2Initiator::begin(
      self.public_key(), peer, *noise::static_static(self, peer),
      key_of<crypto::Key32>(h.at("initiator_ephemeral_private")), timestamp, sent);
  if (!initiator) return false;
  return initiator->read_response(message.noise, self, key_of<crypto::Key32>(h.at("psk")))
      .has_value();
}

TEST(WireguardVectors, ResponsesAreTakenWhereTheReferenceTakesThem) {
  std::map<std::string, Json> handshakes;
  for (const Json& h : vector_cases("wire", "wireguard.json", "handshake")) {
    handshakes[h.at("name")] = h;
  }
  for (const Json& c : vector_cases("wire", "wireguard.json", "response_check")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Json& h = handshakes.at(c.at("handshake"));
    const Buffer packet = hex(c.at("packet"));
    EXPECT_EQ(initiator_takes(h, packet, true), c.at("accepted").get<bool>());
    EXPECT_EQ(initiator_takes(h, packet, false), c.at("accepted_if_mac_ignored").get<bool>());
    if (packet.size() == sizeof(HandshakeResponse)) {
      const auto self = mac_keys_of(key_of<NodePublicKey>(h.at("initiator_public")));
      EXPECT_EQ(mac1_is_good(self, packet), c.at("mac1_ok").get<bool>());
    }
  }
}

TEST(WireguardMessages, AreKnownByTypeAndSize) {
  const auto typed = [](std::uint8_t type, std::size_t size) {
    Buffer out(size);
    out[0] = std::byte{type};
    return message_type(out);
  };
  EXPECT_EQ(typed(1, 148), MessageType::Initiation);
  EXPECT_EQ(typed(1, 147), std::nullopt);
  EXPECT_EQ(typed(1, 149), std::nullopt);
  EXPECT_EQ(typed(2, 92), MessageType::Response);
  EXPECT_EQ(typed(2, 93), std::nullopt);
  EXPECT_EQ(typed(3, 64), MessageType::CookieReply);
  EXPECT_EQ(typed(3, 63), std::nullopt);
  EXPECT_EQ(typed(4, 32), MessageType::Transport);
  EXPECT_EQ(typed(4, 31), std::nullopt);
  EXPECT_EQ(typed(4, 65535), MessageType::Transport);
  EXPECT_EQ(typed(0, 148), std::nullopt);
  EXPECT_EQ(typed(5, 148), std::nullopt);
  EXPECT_EQ(message_type({}), std::nullopt);
}

TEST(WireguardMessages, APacketIsAsLongAsItsHeaderSays) {
  const auto length = [](std::string_view text, std::size_t size) {
    Buffer plain = hex(text);
    plain.resize(size);
    const auto inner = without_padding(plain);
    return inner ? static_cast<int>(inner->size()) : -1;
  };
  EXPECT_EQ(length("45000021", 48), 33);
  EXPECT_EQ(length("45000021", 33), 33);
  EXPECT_EQ(length("45000021", 32), -1);
  EXPECT_EQ(length("45000013", 48), -1) << "shorter than a header";
  EXPECT_EQ(length("45000014", 19), -1);
  EXPECT_EQ(length("600000000000", 48), 40);
  EXPECT_EQ(length("600000000009", 48), -1);
  EXPECT_EQ(length("600000000000", 39), -1);
  EXPECT_EQ(length("50000021", 48), -1);
  EXPECT_EQ(without_padding({}), std::nullopt);
}

}  // namespace
}  // namespace aya::wireguard
