#include "coord-server/mail/letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::mail {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Link kLink{"https://coord.example/join/0123", *parse_rfc3339("2026-03-03T09:00:00Z")};

TEST(Letters, SayWhoInvitesWhereAndUntilWhen) {
  const Letter letter = user_invite(
      store::UserInviteId{5}, store::AccountId{1}, "dora@example.com", {"taro", "山田太郎"},
      "home.example", "member", kLink);
  EXPECT_EQ(letter.to, "dora@example.com");
  EXPECT_EQ(letter.purpose, Purpose(store::UserInviteId{5}));
  EXPECT_THAT(
      letter.subject,
      AllOf(HasSubstr("山田太郎 (taro) invites you to home.example"), HasSubstr("への招待")));
  EXPECT_THAT(
      letter.text, AllOf(
                       HasSubstr("山田太郎 (taro) invites you to the private network home.example"),
                       HasSubstr("as member"), HasSubstr("before 2026-03-03 09:00 UTC"),
                       HasSubstr("\nhttps://coord.example/join/0123\n"),
                       HasSubstr("山田太郎 (taro) さんが")));
}

TEST(Letters, SayWhatIsShared) {
  const auto letter = [](bool exit_node) {
    return device_invite(
        store::InviteId{6}, store::AccountId{1}, "dora@example.com", {"taro", "taro"},
        "nas.home.example", exit_node, kLink);
  };
  EXPECT_THAT(
      letter(false).text, AllOf(
                              HasSubstr("taro shares the device nas.home.example"),
                              HasSubstr("2026-03-03"), Not(HasSubstr("exit node"))));
  EXPECT_THAT(letter(true).text, HasSubstr("also as an exit node"));
}

TEST(Letters, SayWhatAnAddressIsFor) {
  const Letter letter = contact_proof(
      {store::AccountId{1}, store::ContactKind::Security}, "ops@example.com", "home.example",
      kLink);
  EXPECT_THAT(
      letter.text, AllOf(HasSubstr("security"), HasSubstr("セキュリティ"), HasSubstr(kLink.url)));
}

TEST(Letters, LetNobodysNameBeMoreThanAName) {
  const std::string name =
      "x\n\nYour account is closed, see https://evil.example" + std::string(300, 'y');
  const Letter letter = user_invite(
      store::UserInviteId{5}, store::AccountId{1}, "dora@example.com", {"taro", name},
      "home.example", "member", kLink);
  EXPECT_THAT(letter.text, Not(HasSubstr("\nYour account")));
  EXPECT_THAT(letter.text, Not(HasSubstr(std::string(200, 'y'))));
}

}  // namespace
}  // namespace aya::mail
