#include "proto/idna/international_name.h"

#include <gtest/gtest.h>

namespace aya::idna {
namespace {

TEST(InternationalName, HasAnAsciiForm) {
  EXPECT_EQ(ascii_form("リビング.tail.example."), "xn--qck9c2csb.tail.example.");
  EXPECT_EQ(ascii_form("ﾘﾋﾞﾝｸﾞ.tail.example."), "xn--qck9c2csb.tail.example.") << "half width";
  EXPECT_EQ(ascii_form("リビング。例。"), "xn--qck9c2csb.xn--fsq.");
  EXPECT_EQ(ascii_form("Bücher.Example."), "xn--bcher-kva.example.");
  EXPECT_EQ(ascii_form("faß.example."), "xn--fa-hia.example.");
  EXPECT_EQ(ascii_form("\xff.example."), std::nullopt) << "no UTF-8";
  EXPECT_EQ(ascii_form(std::string("a\0é.example.", 13)), std::nullopt);
}

TEST(InternationalName, CanBeReadAgain) {
  EXPECT_EQ(readable_form("xn--qck9c2csb.tail.example."), "リビング.tail.example.");
  EXPECT_EQ(readable_form("alpha"), "alpha");
  EXPECT_EQ(readable_form("xn--\x80"), std::nullopt);
}

}  // namespace
}  // namespace aya::idna
