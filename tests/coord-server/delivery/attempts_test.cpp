#include "coord-server/delivery/attempts.h"

#include <gtest/gtest.h>

#include "coord-server/delivery/message.h"

namespace aya::delivery {
namespace {

const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:00Z");

TEST(Attempts, AreOneAtATime) {
  Attempts attempts(Attempts::Patience::Limited);
  EXPECT_TRUE(attempts.may_begin(kNow));
  attempts.begin();
  EXPECT_FALSE(attempts.may_begin(kNow + 1h));
  EXPECT_TRUE(attempts.end("", kNow));
  EXPECT_TRUE(attempts.may_begin(kNow));
}

TEST(Attempts, EndAfterAWhileOrNever) {
  Attempts limited(Attempts::Patience::Limited), endless(Attempts::Patience::Endless);
  for (const auto wait : Attempts::kTryAgainAfter) {
    for (Attempts* attempts : {&limited, &endless}) {
      attempts->begin();
      EXPECT_FALSE(attempts->end("refused", kNow));
      EXPECT_FALSE(attempts->may_begin(kNow + wait - 1s));
      EXPECT_TRUE(attempts->may_begin(kNow + wait));
    }
  }
  limited.begin();
  EXPECT_TRUE(limited.end("refused", kNow));
  EXPECT_EQ(limited.trouble(), "refused");
  EXPECT_TRUE(limited.may_begin(kNow));  // another message

  endless.begin();
  EXPECT_FALSE(endless.end("refused", kNow));
  EXPECT_EQ(endless.next(), kNow + Attempts::kTryAgainAfter.back());
  endless.try_at_once();
  EXPECT_TRUE(endless.may_begin(kNow));
  endless.begin();
  EXPECT_TRUE(endless.end("", kNow));
  EXPECT_EQ(endless.trouble(), "");
}

TEST(Outcomes, SayWhatWasWrong) {
  EXPECT_EQ(trouble_in(Answered{200}), "");
  EXPECT_EQ(trouble_in(Answered{202}), "");
  EXPECT_EQ(trouble_in(Answered{301}), "the receiver answered 301");
  EXPECT_EQ(trouble_in(NoAnswer{"refused"}), "refused");
}

}  // namespace
}  // namespace aya::delivery
