#include "proto/base/prometheus_page.h"

#include <gtest/gtest.h>

#include "proto/base/parse_number.h"

namespace aya {
namespace {

TEST(PrometheusPage, FamiliesHaveTheirSamplesBehindThem) {
  PrometheusPage page;
  page.family("up", "gauge", "1 while it is up");
  page.sample(1);
  page.family("ends_total", "counter", "");
  page.sample(3, page.label("result", "ok") + "," + page.label("why", "a \"b\" \\ c\nd"));
  EXPECT_EQ(
      page.take(),
      "# TYPE up gauge\n# HELP up 1 while it is up\nup 1\n"
      "# TYPE ends_total counter\nends_total{result=\"ok\",why=\"a \\\"b\\\" \\\\ c d\"} 3\n");
}

TEST(PrometheusPage, HistogramsCountWhatIsWithinEachBound) {
  Histogram times;
  times.add(2ms);
  times.add(300ms);
  times.add(60s);
  PrometheusPage page;
  page.family("took_seconds", "histogram", "");
  page.histogram(times, page.label("op", "write"));
  const std::string text = page.take();
  for (const char* line :
       {"took_seconds_bucket{op=\"write\",le=\"0.001\"} 0\n",
        "took_seconds_bucket{op=\"write\",le=\"0.0025\"} 1\n",
        "took_seconds_bucket{op=\"write\",le=\"0.5\"} 2\n",
        "took_seconds_bucket{op=\"write\",le=\"30\"} 2\n",
        "took_seconds_bucket{op=\"write\",le=\"+Inf\"} 3\n",
        "took_seconds_sum{op=\"write\"} 60.302\n", "took_seconds_count{op=\"write\"} 3\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ParseNumber, TakesANumberAndNothingElse) {
  EXPECT_EQ(parse_number<std::uint16_t>("41641"), 41641);
  EXPECT_EQ(parse_number<int>("-3"), -3);
  for (const char* text : {"", " 1", "1 ", "+1", "0x1", "65536", "-1", "1.0"}) {
    EXPECT_FALSE(parse_number<std::uint16_t>(text)) << text;
  }
}

}  // namespace
}  // namespace aya
