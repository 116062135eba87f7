// WireGuard's handshake against the reference, both ends.
#include "proto/noise/ikpsk2.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::noise {
namespace {

using test::hex;
using test::Json;
using test::key_of;

std::string message_hex(const crypto::Key32& key) { return to_hex(key.bytes()); }
template <class Message>
std::string message_hex(const Message& message) {
  return to_hex(std::as_bytes(std::span(&message, 1)));
}

// The keys of one case, on both sides, and what each must arrive at.
struct Handshake {
  explicit Handshake(const Json& from)
      : c(from),
        initiator(key_of<crypto::Key32>(c.at("initiator_private"))),
        responder(key_of<crypto::Key32>(c.at("responder_private"))),
        initiator_ephemeral(key_of<crypto::Key32>(c.at("initiator_ephemeral_private"))),
        responder_ephemeral(key_of<crypto::Key32>(c.at("responder_ephemeral_private"))),
        psk(key_of<crypto::Key32>(c.at("psk"))),
        ss(*static_static(initiator, responder.public_key())) {
    const Buffer raw = hex(c.at("timestamp"));
    copy_bytes(timestamp, raw);
  }

  std::optional<Ikpsk2Initiator> begin(Ikpsk2Initiation& out) const {
    return Ikpsk2Initiator::begin(
        initiator.public_key(), responder.public_key(), ss, initiator_ephemeral, timestamp, out);
  }

  const Json& c;
  NodePrivateKey initiator, responder;
  crypto::Key32 initiator_ephemeral, responder_ephemeral, psk, ss;
  Timestamp timestamp{};
};

void expect_state(const Json& c, const SymmetricState& state, const std::string& after) {
  EXPECT_EQ(message_hex(state.chaining_key()), c.at("chain_key_after_" + after));
  EXPECT_EQ(to_hex(state.hash()), c.at("hash_after_" + after));
}

TEST(Ikpsk2Vectors, KeysAreWhatTheyFollowFrom) {
  for (const Json& c : test::vector_cases("wire", "wireguard.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Handshake h(c);
    EXPECT_EQ(to_hex(h.initiator.public_key().bytes()), c.at("initiator_public"));
    EXPECT_EQ(to_hex(h.responder.public_key().bytes()), c.at("responder_public"));
    EXPECT_EQ(message_hex(h.ss), c.at("static_static"));
    EXPECT_EQ(
        message_hex(*static_static(h.responder, h.initiator.public_key())), message_hex(h.ss));
    EXPECT_EQ(h.psk.is_zero(), !c.at("psk_set").get<bool>());
    for (const char* end : {"initiator", "responder"}) {
      const std::string ephemeral = std::string(end) + "_ephemeral_";
      const auto key =
          crypto::clamp_x25519(std::span<const std::byte, 32>(hex(c.at(ephemeral + "random"))));
      EXPECT_EQ(message_hex(key), c.at(ephemeral + "private"));
      EXPECT_EQ(to_hex(crypto::x25519_public(key)), c.at(ephemeral + "public"));
    }
  }
}

TEST(Ikpsk2Vectors, BothEndsSayAndLearnTheSame) {
  for (const Json& c : test::vector_cases("wire", "wireguard.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Handshake h(c);
    Ikpsk2Initiation initiation;
    const auto initiator = h.begin(initiation);
    ASSERT_TRUE(initiator);
    // Type and index in front, both MACs behind.
    EXPECT_EQ(
        message_hex(initiation), c.at("initiation").get<std::string>().substr(2 * 8, 2 * 108));
    expect_state(c, initiator->symmetric(), "initiation");

    auto responder =
        Ikpsk2Responder::read_static(initiation, h.responder, h.responder.public_key());
    ASSERT_TRUE(responder);
    EXPECT_EQ(responder->initiator(), h.initiator.public_key());
    EXPECT_EQ(responder->read_timestamp(initiation, h.ss), h.timestamp);
    expect_state(c, responder->symmetric(), "initiation");

    Ikpsk2Response response;
    const auto answered = responder->write_response(h.psk, h.responder_ephemeral, response);
    ASSERT_TRUE(answered);
    EXPECT_EQ(message_hex(response), c.at("response").get<std::string>().substr(2 * 12, 2 * 48));
    expect_state(c, responder->symmetric(), "response");
    EXPECT_EQ(message_hex(answered->send), c.at("responder_send_key"));
    EXPECT_EQ(message_hex(answered->receive), c.at("initiator_send_key"));

    const auto keys = initiator->read_response(response, h.initiator, h.psk);
    ASSERT_TRUE(keys);
    EXPECT_EQ(message_hex(keys->send), c.at("initiator_send_key"));
    EXPECT_EQ(message_hex(keys->receive), c.at("responder_send_key"));
  }
}

TEST(Ikpsk2Vectors, AnyOtherKeyEndsTheHandshake) {
  const crypto::Key32 wrong(std::array<std::byte, 32>{std::byte{0x48}, std::byte{7}});
  for (const Json& c : test::vector_cases("wire", "wireguard.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Handshake h(c);
    Ikpsk2Initiation initiation;
    const auto initiator = h.begin(initiation);
    ASSERT_TRUE(initiator);
    const NodePrivateKey other(wrong);
    EXPECT_FALSE(Ikpsk2Responder::read_static(initiation, other, other.public_key()));
    auto responder =
        Ikpsk2Responder::read_static(initiation, h.responder, h.responder.public_key());
    ASSERT_TRUE(responder);
    auto misled = *responder;
    EXPECT_FALSE(misled.read_timestamp(initiation, wrong));
    ASSERT_TRUE(responder->read_timestamp(initiation, h.ss));
    Ikpsk2Response response;
    ASSERT_TRUE(responder->write_response(wrong, h.responder_ephemeral, response));
    EXPECT_FALSE(initiator->read_response(response, h.initiator, h.psk)) << "preshared key";
  }
}

}  // namespace
}  // namespace aya::noise
