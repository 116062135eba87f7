#include "coord-server/people/totp.h"

#include <gtest/gtest.h>

namespace aya::people {
namespace {

TotpSecret rfc_secret() {
  TotpSecret secret;
  copy_bytes(secret, as_bytes("12345678901234567890"));
  return secret;
}

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

struct Row {
  std::int64_t seconds;
  const char* code;  // the last six of RFC 6238, appendix B
};

class Totp : public testing::TestWithParam<Row> {};

TEST_P(Totp, GivesTheCodesOfTheRfc) {
  EXPECT_EQ(totp_code(rfc_secret(), GetParam().seconds / 30), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc6238, Totp,
    testing::Values(
        Row{59, "287082"}, Row{1111111109, "081804"}, Row{1111111111, "050471"},
        Row{1234567890, "005924"}, Row{2000000000, "279037"}, Row{20000000000, "353130"}));

TEST(TotpMatch, TakesTheStepsAroundNowAndEachCodeOnce) {
  const TotpSecret secret = rfc_secret();
  const WallTime now = at(1234567890);
  const std::int64_t step = totp_step(now);
  for (const std::int64_t near : {step - 1, step, step + 1}) {
    EXPECT_EQ(match_totp(secret, totp_code(secret, near), now, 0), near);
  }
  EXPECT_FALSE(match_totp(secret, totp_code(secret, step + 2), now, 0));
  EXPECT_FALSE(match_totp(secret, totp_code(secret, step - 2), now, 0));
  EXPECT_FALSE(match_totp(secret, totp_code(secret, step), now, step)) << "used";
  EXPECT_FALSE(match_totp(secret, "", now, 0));
  EXPECT_TRUE(match_totp(secret, "005 924", now, 0)) << "as authenticators show it";
}

TEST(TotpText, GoesThereAndBack) {
  const TotpSecret secret = rfc_secret();
  EXPECT_EQ(totp_text(secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  EXPECT_EQ(parse_totp_text(totp_text(secret)), secret);
  EXPECT_FALSE(parse_totp_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ"));
  EXPECT_FALSE(parse_totp_text("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"));
  EXPECT_EQ(
      totp_uri(secret, "a b", "coord.test"),
      "otpauth://totp/coord.test:a%20b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=coord.test");
}

}  // namespace
}  // namespace aya::people
