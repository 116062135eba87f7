#include "coord-server/mail/address.h"

#include <gtest/gtest.h>

namespace aya::mail {
namespace {

TEST(Address, IsWhatEveryMailServerTakes) {
  for (const char* good :
       {"a@b", "dora@example.com", "dora+mesh@mail.example.com", "o'neil@example.com",
        "first.last@sub-domain.example", "!#$%&'*+-/=?^_`{|}~@example.com"}) {
    EXPECT_TRUE(is_address(good)) << good;
  }
  EXPECT_TRUE(is_address(std::string(64, 'a') + '@' + std::string(189, 'b')));
}

TEST(Address, IsNothingThatCouldBeMoreThanOne) {
  for (const char* bad :
       {"", "dora", "@example.com", "dora@", "a@b@c", "a b@c", "a@b c", "a@b,c@d",
        "a@b\r\nBcc: c@d", "a@b>", "<a@b>", "\"a b\"@c", "a@b;c", ".a@b", "a.@b", "a..b@c", "a@.b",
        "a@b.", "a@[1.2.3.4]",
        "a(x)@b", "\xe6\x97\xa5@example.com", "a@\xe6\x97\xa5.example"}) {
    EXPECT_FALSE(is_address(bad)) << bad;
  }
  EXPECT_FALSE(is_address(std::string_view("a@b\0c", 5)));
  EXPECT_FALSE(is_address(std::string(65, 'a') + "@b"));
  EXPECT_FALSE(is_address("a@" + std::string(253, 'b')));
}

TEST(Mailbox, IsAnAddressWithOrWithoutAName) {
  EXPECT_EQ(Mailbox::parse("net@example.org"), (Mailbox{"", "net@example.org"}));
  EXPECT_EQ(Mailbox::parse(" net@example.org "), (Mailbox{"", "net@example.org"}));
  EXPECT_EQ(Mailbox::parse("Our net <net@example.org>"), (Mailbox{"Our net", "net@example.org"}));
  EXPECT_EQ(Mailbox::parse("\"Net, ours\" <a@b>"), (Mailbox{"Net, ours", "a@b"}));
  EXPECT_EQ(Mailbox::parse("<a@b>"), (Mailbox{"", "a@b"}));
  EXPECT_EQ(Mailbox::parse("家のネット <a@b>"), (Mailbox{"家のネット", "a@b"}));
  for (const char* bad :
       {"", "Net", "Net <net>", "Net <a@b", "Net a@b>", "A <a@b> <c@d>", "A\r\nB <a@b>", "a@b, c@d",
        "Net <a@b> x"}) {
    EXPECT_FALSE(Mailbox::parse(bad)) << bad;
  }
}

TEST(Mailbox, IsReadAsItIsWritten) {
  for (const char* text : {"net@example.org", "Our net <net@example.org>"}) {
    EXPECT_EQ(Mailbox::parse(text)->to_text(), text);
  }
}

}  // namespace
}  // namespace aya::mail
