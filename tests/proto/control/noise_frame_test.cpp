// What is inside the control connection: records, and the early payload at their start.
#include "proto/control/noise_frame.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/control/early_payload.h"
#include "tests/support/test_vectors.h"

namespace aya::control {
namespace {

using namespace std::string_view_literals;

using test::hex;
using test::Json;
using test::vector_cases;

constexpr std::size_t kPieces[] = {1, 2, 5, 4096, SIZE_MAX};

crypto::Key32 key_of(const Json& text) {
  return crypto::Key32(std::span<const std::byte, 32>(hex(text).data(), 32));
}
Buffer plaintext_of(const Json& c) {
  return c.contains("plaintext_pattern") ? test::pattern(c.at("plaintext_pattern"))
                                         : hex(c.at("plaintext"));
}

// Feeds until the end or the first error.
template <class Reader>
Result<void, ParseError> feed_in_pieces(
    Reader& reader, Bytes wire, std::size_t piece, Buffer& plain) {
  while (!wire.empty()) {
    const Bytes now = wire.first(std::min(piece, wire.size()));
    wire = wire.subspan(now.size());
    if (const auto fed = reader.feed(now, plain); !fed) return fed;
  }
  return {};
}

TEST(RecordVectors, AreWrittenByteForByte) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "write")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const auto counter = test::u64(c.at("first_counter"));
    const Buffer plain = plaintext_of(c);
    RecordSealer sealer(key_of(c.at("key")), counter);
    Buffer wire;
    ASSERT_TRUE(sealer.seal(plain, wire));
    EXPECT_EQ(to_hex(wire), c.at("wire"));
    std::size_t total = 0;
    for (const Json& size : c.at("records")) total += size.get<std::size_t>();
    EXPECT_EQ(wire.size(), total);
    for (const std::size_t piece : kPieces) {
      RecordOpener opener(key_of(c.at("key")), counter);
      Buffer opened;
      EXPECT_TRUE(feed_in_pieces(opener, wire, piece, opened));
      EXPECT_EQ(opened, plain);
      EXPECT_TRUE(opener.at_boundary());
    }
  }
}

TEST(RecordVectors, TheCounterIsBigEndianAndItsLastValueIsNeverUsed) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "write_at_counter")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    RecordSealer sealer(key_of(c.at("key")), test::u64(c.at("counter")));
    Buffer wire;
    ASSERT_EQ(sealer.seal(plaintext_of(c), wire), c.at("ok").get<bool>());
    EXPECT_EQ(to_hex(wire), c.value("wire", ""));
  }
}

TEST(RecordVectors, AreReadUpToTheFirstThatIsWrong) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "read")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer wire = hex(c.at("wire"));
    for (const std::size_t piece : kPieces) {
      RecordOpener opener(key_of(c.at("key")));
      Buffer plain;
      const auto fed = feed_in_pieces(opener, wire, piece, plain);
      EXPECT_EQ(fed.has_value(), c.at("result") == "eof");
      EXPECT_EQ(plain, plaintext_of(c));
      if (fed) continue;
      EXPECT_FALSE(opener.feed(wire, plain)) << "an error is final";
      EXPECT_EQ(plain, plaintext_of(c));
    }
  }
}

TEST(Record, TheLastCounterEndsTheReaderToo) {
  const crypto::Key32 key;
  Buffer wire, plain;
  RecordSealer sealer(key, UINT64_MAX - 1);
  ASSERT_TRUE(sealer.seal(as_bytes("last"), wire));
  EXPECT_FALSE(sealer.seal(as_bytes("more"), wire));
  EXPECT_TRUE(sealer.seal({}, wire)) << "nothing needs no record";
  RecordOpener opener(key, UINT64_MAX - 1);
  ASSERT_TRUE(opener.feed(wire, plain));
  EXPECT_EQ(as_text(plain), "last");
  EXPECT_FALSE(opener.feed(wire, plain));
}

TEST(Record, AnErrorFrameIsCutToWhatAFrameHolds) {
  Buffer frame;
  append_error_frame("no", frame);
  EXPECT_EQ(to_hex(frame), "0300026e6f");
  frame.clear();
  append_error_frame(std::string(5000, 'x'), frame);
  EXPECT_EQ(frame.size(), kMaxFrameSize);
}

TEST(EarlyPayloadVectors, AreSplitFromWhatFollows) {
  for (const Json& c : vector_cases("wire", "noise_control.json", "early_payload")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Buffer wire = hex(c.at("server_plaintext"));
    for (const std::size_t piece : kPieces) {
      EarlyPayloadSplitter splitter;
      Buffer http2;
      const auto fed = feed_in_pieces(splitter, wire, piece, http2);
      if (c.contains("error")) {
        // A payload that never becomes whole is no error of the splitter: the stream ended.
        EXPECT_FALSE(fed && splitter.done());
        EXPECT_TRUE(http2.empty());
        continue;
      }
      ASSERT_TRUE(fed);
      EXPECT_TRUE(splitter.done());
      EXPECT_EQ(to_hex(http2), c.at("stream_after"));
      ASSERT_EQ(splitter.payload().has_value(), c.at("present").get<bool>());
      if (!splitter.payload()) continue;
      EXPECT_EQ(splitter.payload()->node_key_challenge.to_text(), c.at("node_key_challenge"));
      Buffer ours;
      append_early_payload(*splitter.payload(), ours);
      append(ours, http2);
      const Bytes json = Bytes(wire).subspan(9, wire.size() - 9 - http2.size());
      if (Json::parse(as_text(json)) != Json{{"nodeKeyChallenge", c.at("node_key_challenge")}}) {
        continue;  // says more, or less, than we do
      }
      EXPECT_EQ(to_hex(ours), c.at("server_plaintext"));
    }
  }
}

TEST(EarlyPayload, AnErrorIsFinal) {
  EarlyPayloadSplitter splitter;
  Buffer http2;
  EXPECT_FALSE(splitter.feed(hex("ffffff545300000003616263"sv), http2));
  EXPECT_FALSE(splitter.feed(hex("000000040000000000"sv), http2));
  EXPECT_TRUE(http2.empty());
}

}  // namespace
}  // namespace aya::control
