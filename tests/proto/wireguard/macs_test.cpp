#include "proto/wireguard/macs.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::wireguard {
namespace {

using test::hex;
using test::Json;
using test::key_of;
using test::vector_cases;

template <std::size_t N>
std::array<std::byte, N> array_of(const Json& text) {
  std::array<std::byte, N> out;
  copy_bytes(out, Bytes(hex(text)).first(N));
  return out;
}

TEST(MacVectors, BothHandshakeMessagesEndInTheMacOfTheirReceiver) {
  for (const Json& c : vector_cases("wire", "wireguard.json", "handshake")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    for (const auto& [message, receiver] :
         {std::pair("initiation", "responder"), std::pair("response", "initiator")}) {
      const std::string name = message;
      const Buffer wire = hex(c.at(name));
      const MacKeys keys =
          mac_keys_of(key_of<NodePublicKey>(c.at(std::string(receiver) + "_public")));
      EXPECT_EQ(to_hex(mac1_of(keys, wire)), c.at(name + "_mac1"));
      EXPECT_TRUE(mac1_is_good(keys, wire));
      Buffer ours(wire.begin(), wire.end() - sizeof(Macs));
      ours.resize(wire.size(), std::byte{0xff});
      put_macs(keys, std::nullopt, ours);
      EXPECT_EQ(to_hex(ours), c.at(name));
    }
  }
}

TEST(CookieVectors, ACookieIsMadeCarriedAndUsed) {
  for (const Json& c : vector_cases("wire", "wireguard.json", "cookie")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const MacKeys keys = mac_keys_of(key_of<NodePublicKey>(c.at("responder_public")));
    EXPECT_EQ(to_hex(keys.mac1), c.at("mac1_key"));
    EXPECT_EQ(to_hex(keys.cookie), c.at("cookie_encryption_key"));
    const auto secret = key_of<crypto::Key32>(c.at("secret"));
    const Buffer source = hex(c.at("source"));
    const Cookie cookie = cookie_for(secret, source);
    EXPECT_EQ(to_hex(cookie), c.at("cookie"));

    const auto last_mac1 = array_of<16>(c.at("last_mac1"));
    const Buffer wire = hex(c.at("cookie_reply"));
    ASSERT_EQ(message_type(wire), MessageType::CookieReply);
    const auto& reply = *view<CookieReply>(Bytes(wire));
    const CookieReply ours =
        seal_cookie(keys, reply.receiver, array_of<24>(c.at("nonce")), cookie, last_mac1);
    EXPECT_EQ(to_hex(std::as_bytes(std::span(&ours, 1))), c.at("cookie_reply"));
    EXPECT_EQ(open_cookie(keys, reply, last_mac1), cookie);
    Mac other_mac1 = last_mac1;
    other_mac1[0] ^= std::byte{1};
    EXPECT_EQ(open_cookie(keys, reply, other_mac1), std::nullopt);
    const Buffer tampered = hex(c.at("tampered_reply"));
    EXPECT_EQ(
        open_cookie(keys, *view<CookieReply>(Bytes(tampered)), last_mac1).has_value(),
        c.at("tampered_reply_accepted").get<bool>());

    Buffer message = hex(c.at("initiation_without_mac2"));
    EXPECT_FALSE(mac2_is_good(cookie, message));
    put_macs(keys, cookie, message);
    EXPECT_EQ(to_hex(message), c.at("initiation_with_mac2"));
    EXPECT_EQ(to_hex(mac2_of(cookie, message)), c.at("mac2"));
    EXPECT_TRUE(mac2_is_good(cookie, message));
    Buffer elsewhere = source;
    elsewhere.back() ^= std::byte{1};
    EXPECT_EQ(
        mac2_is_good(cookie_for(secret, elsewhere), message),
        c.at("mac2_valid_for_other_source").get<bool>());
  }
}

}  // namespace
}  // namespace aya::wireguard
