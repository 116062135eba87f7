#include "coord-server/commands/address_file.h"

#include <gtest/gtest.h>

namespace aya::coord {
namespace {

TEST(AddressFile, ReadsWhatPeopleAndSpreadsheetsWrite) {
  const auto lines = parse_address_file(
      "\xEF\xBB\xBFnode,address\r\n"
      "# the rack\n"
      "web1 , 100.80.0.1   # front\n"
      "\n"
      "\"db1\",\"100.80.0.2\"\r\n"
      "db1,fd7a:115c:a1e0::1:2");
  ASSERT_TRUE(lines) << lines.error().text;
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_EQ((*lines)[0].node, "web1");
  EXPECT_EQ((*lines)[0].address, "100.80.0.1");
  EXPECT_EQ((*lines)[0].number, 3u);
  EXPECT_EQ((*lines)[1].node, "db1");
  EXPECT_EQ((*lines)[1].number, 5u);
  EXPECT_EQ((*lines)[2].address, "fd7a:115c:a1e0::1:2");
}

TEST(AddressFile, NamesTheLineItCannotRead) {
  for (const char* text : {"web1 100.80.0.1", "web1,", ",100.80.0.1", "web1,100.80.0.1,x"}) {
    const auto lines = parse_address_file("a,100.64.0.1\n" + std::string(text));
    ASSERT_FALSE(lines) << text;
    EXPECT_EQ(lines.error().text.substr(0, 7), "line 2:") << text;
  }
  EXPECT_FALSE(parse_address_file("# nothing\n"));
}

}  // namespace
}  // namespace aya::coord
