#include "coord-server/app/rewound_stream.h"

#include <gtest/gtest.h>

#include "tests/coord-server/app/fake_stream.h"

namespace aya::coord {
namespace {

struct Listener final : io::ByteStream::Handler {
  void on_bytes(Bytes bytes) override { heard += as_text(bytes); }
  void on_closed(const io::IoError&) override {}
  std::string heard;
};

class RewoundStreamTest : public testing::Test {
 protected:
  RewoundStreamTest()
      : stream(loop, std::make_unique<FakeStream>(wire), Buffer(1, std::byte{'a'})) {}
  void turn() {
    bool passed = false;
    io::Timer timer(loop, [&] { passed = true; });
    timer.arm_in(1ms);
    loop.run_until([&] { return passed; }, 1s);
  }

  io::Loop loop;
  FakeStream::Wire wire;
  RewoundStream stream;
  Listener first, second;
};

TEST_F(RewoundStreamTest, ReplaysTheBeginningBeforeTheRest) {
  stream.start(first);
  EXPECT_EQ(first.heard, "") << "never from within start()";
  turn();
  wire.say(as_bytes("bc"));
  EXPECT_EQ(first.heard, "abc");
}

TEST_F(RewoundStreamTest, WaitsWhilePausedAndFollowsTheLastHandler) {
  stream.start(first);
  stream.pause();
  turn();
  EXPECT_EQ(first.heard, "");
  stream.start(first);
  stream.start(second);
  turn();
  wire.say(as_bytes("b"));
  EXPECT_EQ(first.heard, "");
  EXPECT_EQ(second.heard, "ab");
  stream.start(first);
  wire.say(as_bytes("c"));
  EXPECT_EQ(first.heard, "c");
}

TEST_F(RewoundStreamTest, SaysNothingOnceClosed) {
  stream.start(first);
  stream.close();
  turn();
  EXPECT_EQ(first.heard, "");
  EXPECT_TRUE(wire.closed);
}

}  // namespace
}  // namespace aya::coord
