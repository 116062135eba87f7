// Reports of what the node has counted: where they go, and how their ends are told.
#include "proto/control/json_text.h"
#include "tests/daemon/coord/coord_bench.h"

namespace aya::coord {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class Reporting : public CoordBench {
 protected:
  bool report() {
    control::FlowReport report;
    report.run = "a1";
    report.windows.resize(1);
    const bool sent = coord->send_flow_report(report, now, effects);
    settle();
    return sent;
  }
};

TEST_F(Reporting, BearTheNodesKeyAndAreAnswered) {
  login();
  ASSERT_TRUE(report());
  ASSERT_THAT(server.others, SizeIs(1));
  EXPECT_EQ(server.others[0].method, "POST");
  EXPECT_EQ(server.others[0].path(), control::kFlowReportPath);
  const auto told = control::decode<control::FlowReport>(as_text(server.others[0].body));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->node_key, coord->identity().node_key.public_key());
  EXPECT_EQ(told->run, "a1");
  ASSERT_THAT(report_answers, SizeIs(1));
  EXPECT_EQ(report_answers[0].status, 200);
}

TEST_F(Reporting, NeedAServerThatIsHeardFrom) {
  EXPECT_FALSE(report());
  server.maps = false;
  login();
  EXPECT_FALSE(report());
  EXPECT_THAT(server.others, IsEmpty());
  EXPECT_THAT(report_answers, IsEmpty());
}

TEST_F(Reporting, AreSentOneAtATimeAndNotWaitedForForEver) {
  login();
  server.other_answer.reset();
  ASSERT_TRUE(report());
  EXPECT_FALSE(report());
  advance(kRequestTimeout);
  ASSERT_THAT(report_answers, SizeIs(1));
  EXPECT_EQ(report_answers[0].status, 0);
  EXPECT_TRUE(report());
}

TEST_F(Reporting, EndWithTheirConnection) {
  login();
  server.other_answer.reset();
  ASSERT_TRUE(report());
  break_connections();
  ASSERT_THAT(report_answers, SizeIs(1));
  EXPECT_EQ(report_answers[0].status, 0);
}

TEST_F(Reporting, ThatAreTooManySayForHowLong) {
  login();
  server.other_answer = http::Response::text(429, "");
  server.other_answer->headers.set("Retry-After", "7");
  ASSERT_TRUE(report());
  ASSERT_THAT(report_answers, SizeIs(1));
  EXPECT_EQ(report_answers[0].status, 429);
  EXPECT_EQ(report_answers[0].retry_after, 7s);
}

}  // namespace
}  // namespace aya::coord
