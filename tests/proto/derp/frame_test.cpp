#include "proto/derp/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/derp/messages.h"
#include "tests/support/test_vectors.h"

namespace aya::derp {
namespace {

using namespace std::literals;
using test::hex;
using Step = FrameReader::Step;

struct Seen {
  int type = 0;
  std::string payload;
  friend bool operator==(const Seen&, const Seen&) = default;
};

// Feeds `stream` in pieces of `piece` bytes and skips frames of type `skipped`.
std::vector<Seen> read_in_pieces(Bytes stream, std::size_t piece, int skipped = -1) {
  FrameReader reader;
  std::vector<Seen> seen;
  while (!stream.empty()) {
    Bytes input = stream.first(std::min(piece, stream.size()));
    stream = stream.subspan(input.size());
    for (Step step = reader.step(input); step != Step::NeedMore; step = reader.step(input)) {
      const int type = static_cast<int>(reader.header().type);
      if (step == Step::Header) {
        if (type == skipped) reader.skip();
      } else {
        seen.push_back({type, std::string(as_text(reader.payload()))});
      }
    }
    EXPECT_TRUE(input.empty());
  }
  EXPECT_FALSE(reader.inside_payload());
  return seen;
}

TEST(FrameReader, CutsTheSameFramesWhateverThePieces) {
  const Buffer stream = hex("1400000003616263060000000014000000017855000000027a7a"sv);
  const std::vector<Seen> expected = {{0x14, "abc"}, {0x06, ""}, {0x14, "x"}, {0x55, "zz"}};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(read_in_pieces(stream, piece), expected) << piece;
  }
}

TEST(FrameReader, SkipsAPayloadUnread) {
  const Buffer stream = hex("550000000361626355000000001400000001785500000001ff"sv);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(read_in_pieces(stream, piece, 0x55), (std::vector<Seen>{{0x14, "x"}})) << piece;
  }
}

TEST(FrameReader, LendsAWholePayloadFromTheInput) {
  const Buffer stream = hex("1400000003616263"sv);
  Bytes input = stream;
  FrameReader reader;
  ASSERT_EQ(reader.step(input), Step::Header);
  ASSERT_EQ(reader.step(input), Step::Frame);
  EXPECT_EQ(reader.payload().data(), stream.data() + kFrameHeaderSize);
}

TEST(FrameReader, TellsAHeaderBeforeItsPayloadComes) {
  const Buffer stream = hex("05ffffffff"sv);
  Bytes input = stream;
  FrameReader reader;
  ASSERT_EQ(reader.step(input), Step::Header);
  EXPECT_EQ(reader.header().length, 0xffffffffu);
  EXPECT_EQ(reader.step(input), Step::NeedMore);
  EXPECT_TRUE(reader.inside_payload());
}

TEST(FrameReader, TellsWhetherTheStreamWouldBeCutShort) {
  const Buffer stream = hex("04000000016104"sv);
  FrameReader reader;
  Bytes input = Bytes(stream).first(5);
  ASSERT_EQ(reader.step(input), Step::Header);
  EXPECT_TRUE(reader.inside_payload());
  input = Bytes(stream).subspan(5);
  ASSERT_EQ(reader.step(input), Step::Frame);
  EXPECT_EQ(reader.step(input), Step::NeedMore);
  EXPECT_FALSE(reader.inside_payload());  // inside a header does not count
}

}  // namespace
}  // namespace aya::derp
