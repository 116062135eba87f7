// Where a server is looked for, and how long a failure is waited out.
#include "daemon/coord/dial_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/coord/backoff.h"
#include "daemon/coord/c2n.h"
#include "tests/support/seeded_rng.h"

namespace aya::coord {
namespace {

struct PlanCase {
  const char* name;
  const char* url;
  DialOptions options;
  std::vector<DialAttempt> plan;
};

class DialPlan : public testing::TestWithParam<PlanCase> {};

TEST_P(DialPlan, IsThis) {
  EXPECT_EQ(dial_plan(*http::Url::parse(GetParam().url), GetParam().options), GetParam().plan);
}

// clang-format off
const DialOptions kStranger{};
const DialOptions kKnown{.key_known = true};
INSTANTIATE_TEST_SUITE_P(Url, DialPlan, testing::Values(
  PlanCase{"NobodyButTheNamedTlsServerTellsTheKey", "https://c.test:8443", kStranger,
           {{true, "c.test", 8443, true, 0s}}},
  PlanCase{"AnHttpUrlIsTrustedAsItIsWritten", "http://c.test", kStranger,
           {{false, "c.test", 80, false, 0s}}},
  PlanCase{"TlsOnlyAsksNobodyByHttp", "http://c.test",
           {.tls_only = true}, {}},
  PlanCase{"PlainHttpStandsBehindTls", "https://c.test:8443", kKnown,
           {{true, "c.test", 8443, false, 0s}, {false, "c.test", 80, false, kHeadStart}}},
  PlanCase{"TlsOnlyHasNothingBehindIt", "https://c.test",
           {.key_known = true, .tls_only = true}, {{true, "c.test", 443, false, 0s}}},
  PlanCase{"TlsStandsBehindPublicHttp", "http://c.test:8080", kKnown,
           {{false, "c.test", 8080, false, 0s}, {true, "c.test", 443, false, kHeadStart}}},
  PlanCase{"TheWinnerOfLastTimeIsFirst", "http://c.test:8080",
           {.key_known = true, .tls_won_last = true},
           {{true, "c.test", 443, false, 0s}, {false, "c.test", 8080, false, kHeadStart}}},
  PlanCase{"NoTlsBesideAPrivateServer", "http://192.168.1.2:8080", kKnown,
           {{false, "192.168.1.2", 8080, false, 0s}}},
  PlanCase{"NoTlsBesideLocalhost", "http://localhost:8080", kKnown,
           {{false, "localhost", 8080, false, 0s}}}),
  [](const auto& test) { return test.param.name; });
// clang-format on

TEST(PrivateHost, IsLocalhostOrALiteralOfAPrivateNetwork) {
  for (const char* host : {"localhost", "127.0.0.1", "::1", "10.0.0.1", "192.168.3.4", "fd00::1"}) {
    EXPECT_TRUE(is_private_host(host)) << host;
  }
  for (const char* host : {"c.test", "198.51.100.1", "2001:db8::1", "localhost.test", ""}) {
    EXPECT_FALSE(is_private_host(host)) << host;
  }
}

TEST(BackoffTest, GrowsWithTheSquareOfTheFailuresUpToThirtySeconds) {
  test::SeededRng rng;
  Backoff backoff(rng);
  for (int n = 1; n <= 100; ++n) {
    const Duration base = std::min<Duration>(10ms * n * n, 30s);
    const Duration wait = backoff.next();
    EXPECT_GE(wait, base / 2) << n;
    EXPECT_LE(wait, base * 3 / 2) << n;
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 15ms);
}

TEST(BackoffTest, SpreadsThoseWhoFailedTogether) {
  test::SeededRng rng;
  std::set<Duration> waits;
  for (int i = 0; i < 50; ++i) waits.insert(Backoff(rng).next());
  EXPECT_GT(waits.size(), 40u);
}

TEST(RetryAfter, IsTakenAtItsWordInSecondsUpToAnHour) {
  test::SeededRng rng;
  EXPECT_EQ(retry_after("1", rng), 1s);
  EXPECT_EQ(retry_after("3600", rng), 3600s);
  for (const char* other :
       {"", "0", "3601", "-1", "5 ", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"}) {
    const Duration wait = retry_after(other, rng);
    EXPECT_GE(wait, 5s) << other;
    EXPECT_LE(wait, 10s) << other;
  }
}

TEST(C2n, EchoesAndRefusesTheRest) {
  const auto answer = [](std::string_view request) {
    const Buffer bytes = answer_c2n(as_bytes(request));
    return std::string(as_text(bytes));
  };
  using testing::EndsWith;
  using testing::StartsWith;
  EXPECT_THAT(
      answer("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
      testing::AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nhello")));
  EXPECT_THAT(answer("DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(
      answer("POST /update HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
      testing::AllOf(
          StartsWith("HTTP/1.1 200 "), testing::HasSubstr("Err"),
          testing::HasSubstr(R"("Started":false)")));
  EXPECT_THAT(
      answer("GET /debug/prefs HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer("GET /echo HTTP/1.1\r\nHost"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer("\x01\x02"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer(""), StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace aya::coord
