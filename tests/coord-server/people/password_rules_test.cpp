#include "coord-server/people/password_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace aya::people {
namespace {

TEST(PasswordRules, WantsTenCharactersThatNobodyTriesFirst) {
  EXPECT_EQ(fault_of("ninechars", "bob"), PasswordFault::TooShort);
  EXPECT_EQ(fault_of("パスワードです", "bob"), PasswordFault::TooShort) << "characters, not bytes";
  EXPECT_EQ(fault_of(std::string(1025, 'x') + "y", "bob"), PasswordFault::TooLong);
  for (const char* common :
       {"Password123", "aaaaaaaaaaaa", "1234567890", "abcabcabcabc", "qwertyuiop"}) {
    EXPECT_EQ(fault_of(common, "bob"), PasswordFault::Common) << common;
  }
  EXPECT_EQ(fault_of("Bob.Example", "bob.example"), PasswordFault::Common);
  EXPECT_EQ(fault_of("correct horse", "bob"), PasswordFault::None);
  EXPECT_EQ(fault_of("合言葉は山と川と海である", "bob"), PasswordFault::None);
}

}  // namespace
}  // namespace aya::people
