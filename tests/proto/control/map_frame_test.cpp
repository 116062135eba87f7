#include "proto/control/map_frame.h"

#include <gtest/gtest.h>

#include "proto/base/endian.h"
#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::control {
namespace {

using test::hex;
using test::Json;
using test::vector_cases;

// Every frame in `wire`, fed `piece` bytes at a time; the last is empty for a refusal.
std::vector<std::optional<std::string>> read_all(
    MapFrameDecoder& decoder, Bytes wire, std::size_t piece = SIZE_MAX) {
  std::vector<std::optional<std::string>> out;
  while (!wire.empty()) {
    const Bytes now = wire.first(std::min(piece, wire.size()));
    wire = wire.subspan(now.size());
    decoder.feed(now);
    for (;;) {
      auto json = decoder.next();
      if (!json) {
        out.emplace_back();
        return out;
      }
      if (!*json) break;
      out.emplace_back(**json);
    }
  }
  return out;
}

using Texts = std::vector<std::optional<std::string>>;

Buffer framed(Bytes payload) {
  Buffer out(4);
  store_le(out.data(), static_cast<std::uint32_t>(payload.size()));
  append(out, payload);
  return out;
}

Buffer encoded(std::string_view json, Compression compression) {
  MapFrameEncoder encoder;
  Buffer out;
  encoder.append(json, compression, out);
  return out;
}

TEST(MapFrameVectors, EveryFormOfAFrameHoldsTheSameText) {
  for (const Json& c : vector_cases("wire", "map_frames.json", "frame")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const std::string json = c.at("json");
    EXPECT_EQ(json.size(), c.at("json_len"));
    for (const char* form :
         {"plain_frame", "zstd_frame", "zstd_frame_best", "zstd_frame_no_checksum"}) {
      if (!c.contains(form)) continue;
      SCOPED_TRACE(form);
      const Buffer wire = hex(c.at(form));
      for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
        MapFrameDecoder decoder(
            std::string_view(form) == "plain_frame" ? Compression::None : Compression::Zstd);
        EXPECT_EQ(read_all(decoder, wire, piece), Texts{json});
        EXPECT_TRUE(decoder.at_boundary());
      }
    }
    EXPECT_EQ(to_hex(encoded(json, Compression::None)), c.at("plain_frame"));
  }
}

// One encoder and one decoder for all of them, as a connection has.
TEST(MapFrameVectors, OurOwnFramesComeBackInOneStream) {
  MapFrameEncoder encoder;
  Buffer wire;
  Texts texts;
  for (const Json& c : vector_cases("wire", "map_frames.json", "frame")) {
    texts.emplace_back(c.at("json").get<std::string>());
    encoder.append(*texts.back(), Compression::Zstd, wire);
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
    MapFrameDecoder decoder(Compression::Zstd);
    EXPECT_EQ(read_all(decoder, wire, piece), texts);
  }
}

TEST(MapFrame, NamesItsCompressions) {
  EXPECT_EQ(parse_compression(""), Compression::None);
  EXPECT_EQ(parse_compression("zstd"), Compression::Zstd);
  EXPECT_EQ(parse_compression("ZSTD"), std::nullopt);
  EXPECT_EQ(parse_compression("gzip"), std::nullopt);
}

TEST(MapFrame, KnowsAStreamThatWasCut) {
  const Buffer wire = encoded(R"({"KeepAlive":true})", Compression::Zstd);
  for (std::size_t cut = 0; cut < wire.size(); ++cut) {
    MapFrameDecoder decoder(Compression::Zstd);
    EXPECT_EQ(read_all(decoder, Bytes(wire).first(cut)), Texts{});
    EXPECT_EQ(decoder.at_boundary(), cut == 0);
  }
}

TEST(MapFrame, ReadsSeveralCompressedPiecesAsOneText) {
  Buffer payload;
  for (const char* part : {"{\"Domain\":", "\"mesh\"", "}"}) {
    append(payload, Bytes(encoded(part, Compression::Zstd)).subspan(4));
  }
  MapFrameDecoder decoder(Compression::Zstd);
  EXPECT_EQ(read_all(decoder, framed(payload)), Texts{R"({"Domain":"mesh"})"});
}

TEST(MapFrame, AnEmptyFrameIsAnEmptyText) {
  for (const Compression compression : {Compression::None, Compression::Zstd}) {
    MapFrameDecoder decoder(compression);
    EXPECT_EQ(read_all(decoder, framed({})), Texts{""});
  }
}

TEST(MapFrame, EndsWithTheFirstBrokenFrame) {
  const Buffer good = encoded(R"({"Domain":"a domain of some length"})", Compression::Zstd);
  Buffer flipped = good;
  flipped[6] ^= std::byte{0xff};
  Buffer cut = framed(Bytes(good).subspan(4, good.size() - 5));
  Buffer tail = framed(Bytes(good).subspan(4));
  append(tail, as_bytes("x"));
  store_le(tail.data(), static_cast<std::uint32_t>(tail.size() - 4));
  const Buffer plain = encoded("{}", Compression::None);
  for (const Buffer& broken : {flipped, cut, tail, plain}) {
    MapFrameDecoder decoder(Compression::Zstd);
    Buffer wire = good;
    append(wire, broken);
    append(wire, good);
    const auto texts = read_all(decoder, wire);
    ASSERT_EQ(texts.size(), 2u) << to_hex(broken);
    EXPECT_TRUE(texts[0]);
    EXPECT_FALSE(texts[1]);
    EXPECT_FALSE(decoder.next()) << "an error is final";
    decoder.feed(good);
    EXPECT_FALSE(decoder.next()) << "an error is final";
  }
}

TEST(MapFrame, RefusesALengthOverItsLimitBeforeTheBytesAreThere) {
  const std::string text(100, 'x');
  MapFrameDecoder fits(Compression::None, {.frame = 100, .json = 100});
  EXPECT_EQ(read_all(fits, encoded(text, Compression::None)), Texts{text});
  MapFrameDecoder decoder(Compression::None, {.frame = 99, .json = 100});
  decoder.feed(Bytes(encoded(text, Compression::None)).first(4));
  const auto refused = decoder.next();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), ParseError::TooLarge);
}

TEST(MapFrame, StopsUnpackingAtItsLimit) {
  const Buffer bomb = encoded(std::string(50'000'000, ' '), Compression::Zstd);
  ASSERT_LT(bomb.size(), 10'000u);
  MapFrameDecoder decoder(Compression::Zstd, {.frame = 10'000, .json = 1'000'000});
  decoder.feed(bomb);
  const auto refused = decoder.next();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), ParseError::TooLarge);
}

}  // namespace
}  // namespace aya::control
