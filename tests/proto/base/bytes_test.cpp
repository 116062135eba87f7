#include <gtest/gtest.h>

#include "proto/base/base64.h"
#include "proto/base/hex.h"
#include "proto/base/reader.h"
#include "proto/base/result.h"
#include "proto/base/rng.h"
#include "proto/base/words.h"
#include "proto/base/writer.h"
#include "proto/packet/packet_pool.h"

namespace aya {
namespace {

TEST(Hex, ReadsBothCasesAndNothingElse) {
  EXPECT_EQ(to_hex(*parse_hex("00fFAb")), "00ffab");
  EXPECT_FALSE(parse_hex("0"));
  EXPECT_FALSE(parse_hex("0g"));
  EXPECT_FALSE(parse_hex("0x00"));
}

TEST(Base64, NeedsItsPadding) {
  EXPECT_EQ(to_base64(as_bytes("hello")), "aGVsbG8=");
  EXPECT_EQ(as_text(*parse_base64("aGVsbG8=")), "hello");
  EXPECT_TRUE(parse_base64("")->empty());
  EXPECT_FALSE(parse_base64("aGVsbG8"));
  EXPECT_FALSE(parse_base64("aGVsbG8=="));
  EXPECT_FALSE(parse_base64("aGVs bG8="));
  EXPECT_FALSE(parse_base64("\xff\xff\xff\xff"));
  EXPECT_EQ(to_base64url(*parse_hex("fbff")), "-_8");
}

TEST(Reader, FailsOnceAndForGood) {
  const Buffer bytes = *parse_hex("0102030405");
  Reader in(bytes);
  EXPECT_EQ(in.u16be(), 0x0102);
  EXPECT_EQ(in.u16le(), 0x0403);
  EXPECT_EQ(in.u32be(), 0u);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.u8(), 0u) << "after a failure nothing is left";
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(Writer, KeepsTheOrder) {
  Buffer out;
  Writer writer(out);
  writer.u8(1);
  writer.u16be(0x0203);
  writer.u32le(0x07060504);
  writer.u64be(8);
  writer.zeros(1);
  EXPECT_EQ(to_hex(out), "0102030405060700000000000000080" + std::string("0"));
}

TEST(Result, HoldsOneOfTwo) {
  const Result<int, std::string> good = 7;
  const Result<int, std::string> bad = std::string("no");
  EXPECT_TRUE(good && *good == 7);
  EXPECT_TRUE(!bad && bad.error() == "no");
  EXPECT_EQ(bad.value_or(3), 3);
  EXPECT_TRUE((Result<void, int>()));
  EXPECT_FALSE((Result<void, int>(5)));
}

TEST(Rng, BelowStaysBelow) {
  SystemRng rng;
  for (std::uint32_t bound : {1u, 2u, 3u, 1000u, 0x80000001u}) {
    for (int i = 0; i < 200; ++i) EXPECT_LT(rng.below(bound), bound);
  }
}

TEST(PacketPool, GivesTheSameSlabAgain) {
  PacketPool pool(100);
  const std::byte* first = nullptr;
  {
    Packet packet = pool.copy_of(as_bytes("hello"));
    first = packet.bytes().data();
    packet.grow_front(16);
    packet.drop_front(16);
    EXPECT_EQ(as_text(packet.bytes()), "hello");
    Packet moved = std::move(packet);
    EXPECT_FALSE(packet);  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(as_text(moved.bytes()), "hello");
  }
  EXPECT_EQ(pool.take().writable().data(), first);
  EXPECT_EQ(pool.slabs(), 1u);
}

TEST(Words, StandBetweenWhiteSpace) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(words_in(""), Words());
  EXPECT_EQ(words_in(" \t\n"), Words());
  EXPECT_EQ(words_in("one"), Words({"one"}));
  EXPECT_EQ(words_in("  a,b\tc \r\n「箱」"), Words({"a,b", "c", "「箱」"}));
}

}  // namespace
}  // namespace aya
