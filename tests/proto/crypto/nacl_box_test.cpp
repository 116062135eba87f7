#include "proto/crypto/nacl_box.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::crypto {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

template <std::size_t N>
std::array<std::byte, N> array_of(const Json& text) {
  std::array<std::byte, N> out;
  const Buffer bytes = hex(text);
  EXPECT_EQ(bytes.size(), N);
  copy_bytes(out, Bytes(bytes).first(N));
  return out;
}

Key32 key_of(const Json& text) { return Key32(array_of<32>(text)); }

// What is sealed is the vector's, opens, and does not open with any bit of it changed.
void expect_box(const Key32& shared, const Json& c) {
  const auto nonce = array_of<kBoxNonceSize>(c.at("nonce"));
  const Buffer plain = hex(c.at("plaintext"));
  Buffer message(nonce.begin(), nonce.end());
  seal_box(shared, nonce, plain, message);
  EXPECT_EQ(to_hex(message), c.at("nonce_and_box"));
  Buffer box(message.begin() + kBoxNonceSize, message.end());
  EXPECT_EQ(open_box(shared, nonce, box), plain);
  for (const std::size_t at : {std::size_t{0}, box.size() / 2, box.size() - 1}) {
    box[at] ^= std::byte{1};
    EXPECT_EQ(open_box(shared, nonce, box), std::nullopt);
    box[at] ^= std::byte{1};
  }
  EXPECT_EQ(open_box(shared, nonce, Bytes(box).first(box.size() - 1)), std::nullopt);
  EXPECT_EQ(open_box(shared, nonce, Bytes(box).first(kBoxTagSize - 1)), std::nullopt);
}

TEST(BoxVectors, TwoKeysShareOneSecret) {
  for (const Json& c : vector_cases("wire", "keys.json", "box_precompute")) {
    const auto shared =
        box_shared_key(key_of(c.at("private_raw")), array_of<32>(c.at("peer_public_raw")));
    ASSERT_TRUE(shared);
    EXPECT_EQ(to_hex(shared->bytes()), c.at("shared"));
  }
}

TEST(BoxVectors, AreSealedWithASharedKey) {
  for (const Json& c : vector_cases("wire", "keys.json", "box_seal")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    expect_box(key_of(c.at("shared")), c);
  }
}

TEST(BoxVectors, AreSealedBetweenTwoKeys) {
  for (const Json& c : vector_cases("wire", "keys.json", "box_seal_keys")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto shared =
        box_shared_key(key_of(c.at("private_raw")), array_of<32>(c.at("peer_public_raw")));
    ASSERT_TRUE(shared);
    expect_box(*shared, c);
  }
}

TEST(Box, SharesNothingWithALowOrderKey) {
  const Key32 own(std::array<std::byte, 32>{std::byte{8}});
  EXPECT_FALSE(box_shared_key(own, std::array<std::byte, 32>{}));
  EXPECT_FALSE(box_shared_key(own, std::array<std::byte, 32>{std::byte{1}}));
}

}  // namespace
}  // namespace aya::crypto
