#include "proto/http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::http {
namespace {

using namespace std::literals;
using Segments = std::vector<std::string>;

TEST(SplitPath, DecodesEachSegmentOnceAfterTheCut) {
  EXPECT_EQ(split_path("/"), Segments{});
  EXPECT_EQ(split_path("/api/v2"), (Segments{"api", "v2"}));
  EXPECT_EQ(split_path("/device/a%2Fb"), (Segments{"device", "a/b"}));
  EXPECT_EQ(split_path("/a%252Fb"), (Segments{"a%2Fb"}));
  EXPECT_EQ(split_path("/a+b"), (Segments{"a+b"}));
  EXPECT_EQ(split_path("/a/"), (Segments{"a", ""}));
  EXPECT_EQ(split_path("//a"), (Segments{"", "a"}));
  EXPECT_EQ(split_path("/..."), (Segments{"..."}));
}

TEST(SplitPath, RefusesWhatCouldClimbOrDeceive) {
  for (const auto bad :
       {""sv, "a"sv, "*"sv, "/a/../b"sv, "/."sv, "/%2e%2E/x"sv, "/%00"sv, "/%"sv, "/%2"sv, "/%zz"sv,
        "/a/%G0"sv}) {
    EXPECT_EQ(split_path(bad), std::nullopt) << bad;
  }
}

TEST(PercentCoding, ComesBackToWhatItWas) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a b/c~d-1_.é"), "a%20b%2Fc~d-1_.%C3%A9");
  EXPECT_EQ(percent_decode("%4a%4A+"), "JJ+");
}

TEST(ParseQuery, ReadsFormFields) {
  const auto fields = parse_query("a=1&b=x+y%20z&&c&=e&bad=%zz&d=1=2");
  std::vector<std::string> seen;
  for (const auto& [name, value] : fields) seen.push_back(name + ":" + value);
  EXPECT_THAT(seen, testing::ElementsAre("a:1", "b:x y z", "c:", ":e", "bad:%zz", "d:1=2"));
  EXPECT_EQ(query_value("v=1&v=2", "v"), "1");
  EXPECT_EQ(query_value("v=1", "w"), std::nullopt);
  EXPECT_TRUE(parse_query("").empty());
}

struct UrlRow {
  std::string_view text;
  bool tls;
  std::string_view host;
  int port;
  std::string_view target;
  std::string_view authority;
};

TEST(ParseUrl, TakesUrlsApart) {
  // clang-format off
  const UrlRow rows[] = {
      {"http://a.example", false, "a.example", 80, "/", "a.example"},
      {"https://a.example/", true, "a.example", 443, "/", "a.example"},
      {"https://a:8443/p?q#f", true, "a", 8443, "/p?q", "a:8443"},
      {"http://a:80/x", false, "a", 80, "/x", "a"},
      {"http://a:443", false, "a", 443, "/", "a:443"},
      {"http://a:/x", false, "a", 80, "/x", "a"},
      {"http://a?q", false, "a", 80, "/?q", "a"},
      {"https://[2001:db8::1]:444/x", true, "2001:db8::1", 444, "/x", "[2001:db8::1]:444"},
      {"http://[::1]", false, "::1", 80, "/", "[::1]"},
      {"http://192.0.2.1:3340/key", false, "192.0.2.1", 3340, "/key", "192.0.2.1:3340"},
  };
  // clang-format on
  for (const UrlRow& row : rows) {
    const auto url = Url::parse(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->tls, row.tls) << row.text;
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->target, row.target) << row.text;
    EXPECT_EQ(url->authority(), row.authority) << row.text;
  }
}

TEST(ParseUrl, RefusesWhatIsNoHttpUrl) {
  for (const auto bad :
       {"", "a.example", "ftp://a", "http://", "http:///x", "http://u@a", "http://u:p@a/",
        "http://a:0", "http://a:65536", "http://a:8x", "http://a:-1", "http://[::1",
        "http://[::1]x", "http://a b/", "http://a/ b", "http://a%41/", "HTTPS//a"}) {
    EXPECT_FALSE(Url::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace aya::http
