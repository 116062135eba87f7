#include "daemon/app/server_questions.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/recorded_host.h"

namespace aya::app {
namespace {

http::Response ask(const std::string& target, const localapi::LocalHost& host) {
  http::Request request;
  request.method = "GET";
  request.target = target;
  return answer_server(request, host);
}

TEST(ServerQuestions, HardwareIsASecretUnlessTheOwnerAllowsIt) {
  test::RecordedHost host;
  EXPECT_EQ(as_text(ask("/posture/identity?hwaddrs=true", host).body), R"({"PostureDisabled":true})");
  host.kept.posture_checking = true;
  const auto told = nlohmann::json::parse(as_text(ask("/posture/identity", host).body));
  EXPECT_TRUE(told.contains("SerialNumbers") && !told.contains("PostureDisabled"));
}

TEST(ServerQuestions, TellsWhatIsKnownAndRefusesTheRest) {
  test::RecordedHost host;
  for (const char* path : {"/debug/prefs", "/debug/netmap", "/debug/health"}) {
    const auto answer = ask(path, host);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_TRUE(nlohmann::json::parse(as_text(answer.body), nullptr, false).is_object()) << path;
  }
  EXPECT_EQ(ask("/debug/metrics", host).status, 200);
  EXPECT_EQ(ask("/debug/pprof/heap", host).status, 400);
  http::Request post;
  post.method = "POST";
  post.target = "/debug/prefs";
  EXPECT_EQ(answer_server(post, host).status, 405);
}

}  // namespace
}  // namespace aya::app
