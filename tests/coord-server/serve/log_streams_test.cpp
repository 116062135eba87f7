// Log streams end to end: what reaches a receiver of a network's audit log, in which order, and
// what becomes of what it does not take.
#include "coord-server/log_streams/log_streams.h"

#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using delivery::Answered;
using delivery::Attempts;
using delivery::NoAnswer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kStream = "/api/v2/tailnet/-/logging/configuration/stream";
constexpr const char* kFlowStream = "/api/v2/tailnet/-/logging/network/stream";

const Json kSplunk = {
    {"destinationType", "splunk"}, {"url", "https://splunk.example"}, {"token", "s3cret-token"}};
const Json kBucket = {
    {"destinationType", "s3"},          {"s3Bucket", "logs"},
    {"s3Region", "eu-central-1"},       {"s3AuthenticationType", "accesskey"},
    {"s3AccessKeyId", "AK"},            {"s3SecretAccessKey", "s3cret-key"}};
const Json kRole = {
    {"destinationType", "s3"},
    {"s3Bucket", "logs"},
    {"s3Region", "eu-central-1"},
    {"s3KeyPrefix", "ts/"},
    {"s3AuthenticationType", "rolearn"},
    {"s3RoleArn", "arn:aws:iam::1:role/x"},
    {"s3ExternalId", "ext-1"},
    {"uploadPeriodMinutes", 5},
    {"compressionFormat", "gzip"}};

class LogStreaming : public Bench {
 protected:
  int put(const Json& wish, const std::string& at = kStream) {
    api("PUT", at, wish);
    return reply.status;
  }
  void rename(const std::string& contact) {
    api("PATCH", "/api/v2/tailnet/-/contacts/support", {{"email", contact + "@example.com"}});
    ASSERT_EQ(reply.status, 200);
  }
  // The changes in the message that waits for an answer.
  std::vector<std::string> sent() {
    std::vector<std::string> out;
    if (posts.empty()) return out;
    std::istringstream body{std::string(as_text(posts.front().message.body))};
    for (std::string row; std::getline(body, row);) {
      const Json event = Json::parse(row).at("event");
      const Json what = event.at("new");
      out.push_back(
          event.at("target").at("type") == "LOGSTREAM_ENDPOINT" ? "stream" : what.dump());
      lines.push_back(event.at("ayatori").at("line"));
    }
    return out;
  }
  // The stream is there, and the entry about that has been taken.
  void begin(const Json& wish = kSplunk) {
    ASSERT_EQ(put(wish), 200);
    EXPECT_THAT(sent(), ElementsAre("stream"));
    answer_post(Answered{200});
  }
  Json status(const std::string& at = kStream) { return api("GET", at + std::string("/status")); }
  std::string whole_log() {
    return api(
               "GET",
               "/api/v2/tailnet/-/logging/configuration?start=2020-01-01T00:00:00Z&end="
               "2040-01-01T00:00:00Z")
        .dump();
  }

  std::vector<std::int64_t> lines;  // of all messages looked at
};

TEST_F(LogStreaming, EntriesArriveInOrderAndOnce) {
  joined("before");  // is no news
  begin();
  rename("a");
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("a@example.com")));
  rename("b");
  rename("c");
  EXPECT_THAT(posts, SizeIs(1)) << "one at a time";
  answer_post(Answered{200});
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("b@example.com"), HasSubstr("c@example.com")));
  answer_post(Answered{200});
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_TRUE(std::ranges::is_sorted(lines));
  EXPECT_EQ(std::ranges::adjacent_find(lines), lines.end());

  const Json state = status();
  EXPECT_EQ(state.at("numEntriesSent"), 4);
  EXPECT_EQ(state.at("numTotalRequests"), 3);
  EXPECT_EQ(state.at("numFailedRequests"), 0);
  EXPECT_EQ(state.at("lastError"), "");
  EXPECT_EQ(state.at("lastActivity"), to_rfc3339(wall));
  EXPECT_GT(state.at("rateEntriesSent"), 0);
  EXPECT_GT(state.at("numBytesSent"), state.at("maxBodySize"));
}

TEST_F(LogStreaming, NothingIsEverGivenUp) {
  begin();
  rename("a");
  for (const auto wait : Attempts::kTryAgainAfter) {
    answer_post(NoAnswer{"refused"});
    EXPECT_EQ(status().at("lastError"), "refused");
    advance(wait - 1s);
    EXPECT_THAT(posts, IsEmpty());
    advance(1s);
    EXPECT_THAT(posts, SizeIs(1));
  }
  rename("b");
  for (int i = 0; i < 5; ++i) {
    answer_post(Answered{500});
    advance(Attempts::kTryAgainAfter.back());
  }
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("a@"), HasSubstr("b@")));
  answer_post(Answered{200});
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_EQ(status().at("numFailedRequests"), 9);
  EXPECT_EQ(status().at("lastError"), "");
}

TEST_F(LogStreaming, GoesOnWhereItWasAfterARestart) {
  begin();
  rename("a");
  rename("b");
  answer_post(Answered{200});
  posts.clear();  // on its way when the power goes
  start();
  pump();
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("b@")));
  answer_post(Answered{200});
  start();
  advance(1h);
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_EQ(status().at("numEntriesSent"), 3);
}

TEST_F(LogStreaming, ANewDestinationGetsWhatTheOldOneDidNotTake) {
  begin();
  rename("a");
  answer_post(Answered{503});
  Json other = kSplunk;
  other["url"] = "https://elsewhere.example";
  EXPECT_EQ(put(other), 200);
  ASSERT_THAT(posts, SizeIs(1)) << "at once";
  EXPECT_EQ(posts[0].message.url, "https://elsewhere.example/services/collector/event");
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("a@"), "stream"));
}

TEST_F(LogStreaming, WhatIsTooLongIsSentInPieces) {
  begin();
  rename("a");
  answer_post(NoAnswer{"refused"});
  for (const char* name : {"b", "c", "d"}) rename(name);
  advance(10s);
  EXPECT_THAT(sent(), SizeIs(4));
  answer_post(Answered{413});
  advance(1min);
  EXPECT_THAT(sent(), SizeIs(2));
  answer_post(Answered{200});
  EXPECT_THAT(sent(), SizeIs(2));
}

TEST_F(LogStreaming, ObjectsAreMadeInTheirTime) {
  Json bucket = kBucket;
  bucket["uploadPeriodMinutes"] = 5;
  begin(bucket);
  rename("a");
  advance(4min);
  rename("b");
  EXPECT_THAT(posts, IsEmpty());
  advance(1min);
  EXPECT_THAT(sent(), ElementsAre(HasSubstr("a@"), HasSubstr("b@")));
  EXPECT_EQ(posts[0].message.method, "PUT");
}

TEST_F(LogStreaming, IsOfItsOwnNetworkOnly) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  EXPECT_EQ(put(kSplunk, kStream + std::string("?account=lab")), 200);
  answer_post(Answered{200});
  rename("a");
  EXPECT_THAT(posts, IsEmpty());
  api("GET", kStream);
  EXPECT_EQ(reply.status, 404);
  api("DELETE", "/api/v2/accounts/2");
  ASSERT_EQ(reply.status, 200);
  rename("b");
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(LogStreaming, SecretsGoInAndDoNotComeOut) {
  for (const Json& wish : {kSplunk, kBucket}) {
    EXPECT_EQ(put(wish), 200);
    EXPECT_THAT(api("GET", kStream).dump(), Not(HasSubstr("s3cret")));
  }
  Json changed = kBucket;
  changed["s3SecretAccessKey"] = "s3cret-other";
  EXPECT_EQ(put(changed), 200);
  api("DELETE", kStream);
  EXPECT_EQ(reply.status, 200);
  const std::string log = whole_log();
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
  EXPECT_THAT(log, HasSubstr("splunk.example"));
  EXPECT_THAT(log, HasSubstr("with another secret"));
}

TEST_F(LogStreaming, WhatIsSoAlreadyIsNoChange) {
  begin();
  const std::string before = whole_log();
  EXPECT_EQ(put(kSplunk), 200);
  EXPECT_EQ(whole_log(), before);
}

TEST_F(LogStreaming, RefusesWhatItCannotSign) {
  EXPECT_EQ(put(kRole), 501);
  const Json gcs = {{"destinationType", "gcs"}, {"gcsBucket", "logs"}, {"gcsCredentials", "{}"}};
  EXPECT_EQ(put(gcs), 501);
  EXPECT_THAT(api("PUT", kStream, gcs).at("message"), HasSubstr("gcs"));
  api("GET", kStream);
  EXPECT_EQ(reply.status, 404);
  Json wrong = kSplunk;
  wrong["destinationType"] = "syslog";
  EXPECT_EQ(put(wrong), 400);
  EXPECT_EQ(put(kSplunk, "/api/v2/tailnet/-/logging/weather/stream"), 404);
}

TEST_F(LogStreaming, OfFlowsIsKeptAndSaysThatThereAreNone) {
  EXPECT_EQ(put(kRole, kFlowStream), 200);
  Json kept = api("GET", kFlowStream);
  EXPECT_EQ(kept.at("logType"), "network");
  kept.erase("logType");
  EXPECT_EQ(kept, kRole);
  rename("a");
  advance(1h);
  EXPECT_THAT(posts, IsEmpty());
  const Json state = status(kFlowStream);
  EXPECT_EQ(state.at("ayatori").at("collected"), false);
  EXPECT_THAT(state.at("lastError"), HasSubstr("nothing is collected"));
  EXPECT_EQ(state.at("numEntriesSent"), 0);
}

TEST_F(LogStreaming, NeedsItsScope) {
  const auto token = [&](const Json& scopes) {
    authorization.clear();
    const Json client =
        api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "client"}, {"scopes", scopes}});
    authorization = "none";
    const Json access = api_text(
        "POST", "/api/v2/oauth/token",
        "client_secret=" + client.at("key").get<std::string>());
    authorization = "Bearer " + access.at("access_token").get<std::string>();
  };
  token({"logs:configuration"});
  EXPECT_EQ(put(kSplunk), 403);
  token({"log_streaming:read"});
  EXPECT_EQ(put(kSplunk), 403);
  token({"log_streaming"});
  EXPECT_EQ(put(kSplunk), 200);
  token({"log_streaming:read"});
  EXPECT_EQ(status().at("lastError"), "");
  EXPECT_EQ(reply.status, 200);
}

}  // namespace
}  // namespace aya::serve
