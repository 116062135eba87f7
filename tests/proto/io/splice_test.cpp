// Two streams joined: all bytes both ways, however slow one side is, and an end that is one end.
#include "proto/io/splice.h"

#include <gtest/gtest.h>

#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

class SpliceTest : public testing::Test {
 protected:
  void SetUp() override {
    StreamPair left = connect_tcp(loop_), right = connect_local(loop_);
    left_ = std::move(left.client);
    right_ = std::move(right.client);
    splice_ = std::make_unique<Splice>(
        loop_, std::move(left.server), std::move(right.server), [this] {
          splice_.reset();
          ++ends_;
        });
  }
  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done, kLimit); }

  Loop loop_;
  Listener at_left_, at_right_;
  std::unique_ptr<ByteStream> left_, right_;
  std::unique_ptr<Splice> splice_;
  int ends_ = 0;
};

TEST_F(SpliceTest, CarriesBothWaysAndEndsOnce) {
  left_->start(at_left_);
  right_->start(at_right_);
  left_->write(as_bytes("question"));
  right_->write(as_bytes("answer"));
  ASSERT_TRUE(run_until([&] { return at_left_.heard == "answer" && at_right_.heard == "question"; }));
  left_->write(as_bytes(", and the last word"));
  left_.reset();
  ASSERT_TRUE(run_until([&] { return at_right_.closed.has_value(); }));
  EXPECT_EQ(at_right_.heard, "question, and the last word");
  EXPECT_EQ(ends_, 1);
}

TEST_F(SpliceTest, HoldsBackWhoeverIsFasterInBothDirectionsAtOnce) {
  const std::string there(12'000'000, 'a'), back(9'000'000, 'b');
  left_->write(as_bytes(there));
  right_->write(as_bytes(back));
  loop_.run_until([] { return false; }, kMoment);  // nobody reads
  EXPECT_GT(left_->queued(), ByteStream::kHighWater);
  EXPECT_GT(right_->queued(), ByteStream::kHighWater);
  left_->start(at_left_);
  right_->start(at_right_);
  ASSERT_TRUE(run_until([&] {
    return at_right_.heard.size() == there.size() && at_left_.heard.size() == back.size();
  }));
  EXPECT_TRUE(at_right_.heard == there);
  EXPECT_TRUE(at_left_.heard == back);
}

TEST_F(SpliceTest, CanBeEndedFromOutside) {
  left_->start(at_left_);
  right_->start(at_right_);
  splice_.reset();
  ASSERT_TRUE(run_until([&] { return at_left_.closed && at_right_.closed; }));
  EXPECT_EQ(ends_, 0);
}

}  // namespace
}  // namespace aya::io
