#include "coord-server/mail/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mail_text.h"
#include "tests/support/seeded_rng.h"

namespace aya::mail {
namespace {

using Fate = Outbox::Outcome::Fate;
using Why = Outbox::Refusal::Why;

class OutboxTest : public testing::Test {
 protected:
  static Letter letter(const Purpose& purpose = store::UserInviteId{1},
                       std::string to = "dora@example.com") {
    return {purpose, std::move(to), "subject", "text\n", store::AccountId{1}};
  }
  MailId put(Letter letter) {
    auto id = outbox.put(std::move(letter), now);
    EXPECT_TRUE(id);
    return id ? *id : MailId{};
  }
  std::optional<Why> refusal(const Letter& letter) {
    auto id = outbox.put(letter, now);
    if (id) return std::nullopt;
    wait = id.error().wait;
    return id.error().why;
  }
  Fate fails(MailId id, int code) {
    return outbox.take_result(id, NotTaken{code, "no"}, now).fate;
  }

  test::SeededRng rng;
  WallTime now = *parse_rfc3339("2026-02-01T09:00:00Z");
  Outbox outbox{Mailbox{"Net", "net@mail.example"}, rng};
  std::chrono::seconds wait{0};
};

TEST_F(OutboxTest, GivesOutOneAtATimeInOrder) {
  const MailId first = put(letter(store::UserInviteId{1}));
  const MailId second = put(letter(store::UserInviteId{2}));
  const auto mail = outbox.take_due(now);
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->id, first);
  EXPECT_EQ(mail->from, "net@mail.example");
  EXPECT_EQ(mail->to, "dora@example.com");
  EXPECT_EQ(test::MailText::read(mail->message)->header("Subject"), "subject");
  EXPECT_FALSE(outbox.take_due(now));
  EXPECT_FALSE(outbox.next_due());
  const auto outcome = outbox.take_result(first, std::string("250"), now);
  EXPECT_EQ(outcome.fate, Fate::Sent);
  EXPECT_EQ(outcome.purpose, Purpose(store::UserInviteId{1}));
  EXPECT_EQ(outbox.next_due(), now);
  EXPECT_EQ(outbox.take_due(now)->id, second);
  EXPECT_EQ(outbox.counters().sent, 1u);
}

TEST_F(OutboxTest, TriesAgainFourTimesWithTheSameMessage) {
  const MailId id = put(letter());
  std::string message;
  for (const auto rest : Outbox::kTryAgainAfter) {
    const auto mail = outbox.take_due(now);
    ASSERT_TRUE(mail);
    if (message.empty()) message = mail->message;
    EXPECT_EQ(mail->message, message);
    EXPECT_EQ(fails(id, 451), Fate::LaterAgain);
    EXPECT_EQ(outbox.next_due(), now + rest);
    now += rest - 1s;
    EXPECT_FALSE(outbox.take_due(now));
    now += 1s;
  }
  ASSERT_TRUE(outbox.take_due(now));
  EXPECT_EQ(fails(id, 0), Fate::GivenUp);
  EXPECT_EQ(outbox.counters().given_up, 1u);
  EXPECT_EQ(outbox.waiting(), 0u);
}

TEST_F(OutboxTest, GivesUpWhatIsRefusedForGood) {
  const MailId id = put(letter());
  outbox.take_due(now);
  EXPECT_EQ(fails(id, 550), Fate::GivenUp);
  EXPECT_FALSE(outbox.has(store::UserInviteId{1}));
}

TEST_F(OutboxTest, DoesNotHoldUpOthersWhileOneRests) {
  const MailId first = put(letter(store::UserInviteId{1}));
  outbox.take_due(now);
  fails(first, 0);
  const MailId second = put(letter(store::UserInviteId{2}));
  EXPECT_EQ(outbox.take_due(now)->id, second);
}

TEST_F(OutboxTest, SendsTrialsFirstAndOnce) {
  put(letter());
  const MailId trial = put(letter(Trial{}));
  EXPECT_EQ(outbox.take_due(now)->id, trial);
  EXPECT_EQ(fails(trial, 0), Fate::GivenUp);
}

TEST_F(OutboxTest, FloodsNobody) {
  for (std::size_t i = 0; i < Outbox::kMostAboutOne; ++i) put(letter());
  now += 20min;
  EXPECT_EQ(refusal(letter(store::UserInviteId{1}, "DORA@example.com")), Why::TooOften);
  EXPECT_EQ(wait, 40min);
  EXPECT_TRUE(outbox.would_refuse(letter(), now));
  EXPECT_FALSE(refusal(letter(store::UserInviteId{1}, "other@example.com")));
  for (std::int64_t i = 0; i < 7; ++i) put(letter(store::UserInviteId{100 + i}));
  EXPECT_EQ(refusal(letter(store::InviteId{1})), Why::TooOften);
  EXPECT_EQ(wait, 40min);
  now += 40min;
  EXPECT_FALSE(refusal(letter()));
}

TEST_F(OutboxTest, IsBoundedForEachNetworkAndInAll) {
  std::size_t taken = 0;
  for (std::int64_t account = 1; account <= 5; ++account) {
    const std::size_t before = taken;
    for (;;) {
      Letter one = letter(Trial{}, "d" + std::to_string(taken) + "@example.com");
      one.account = store::AccountId{account};
      if (refusal(one)) break;
      ++taken;
    }
    EXPECT_LE(taken - before, Outbox::kMostOfAccount);
    EXPECT_EQ(taken > before, account < 5);
  }
  EXPECT_EQ(taken, Outbox::kMostInAll);
}

TEST_F(OutboxTest, ForgetsWhatIsNoMore) {
  put(letter());
  put(letter(store::UserInviteId{2}));
  EXPECT_TRUE(outbox.has(store::UserInviteId{1}));
  const auto is_second = [](const Purpose& one) { return one == Purpose(store::UserInviteId{2}); };
  outbox.keep_only(is_second);
  EXPECT_FALSE(outbox.has(store::UserInviteId{1}));
  EXPECT_TRUE(outbox.has(store::UserInviteId{2}));
  outbox.keep_only([](const Purpose&) { return false; });
  const MailId sending = put(letter());
  outbox.take_due(now);
  outbox.keep_only(is_second);
  EXPECT_EQ(outbox.take_result(sending, std::string("250"), now).fate, Fate::Sent);
}

TEST_F(OutboxTest, TakesNothingThatCannotBeSent) {
  EXPECT_EQ(refusal(letter(store::UserInviteId{1}, "a@b\r\nDATA")), Why::NoAddress);
  EXPECT_EQ(refusal(letter(store::UserInviteId{1}, "")), Why::NoAddress);
  Outbox shut(std::nullopt, rng);
  EXPECT_FALSE(shut.is_open());
  EXPECT_EQ(shut.put(letter(), now).error().why, Why::NoSender);
}

}  // namespace
}  // namespace aya::mail
