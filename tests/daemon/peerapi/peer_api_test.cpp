#include "daemon/peerapi/peer_api.h"

#include <gtest/gtest.h>

#include "daemon/dns/dns_message.h"
#include "proto/base/base64.h"
#include "tests/daemon/dns/dns_text.h"

namespace aya::peerapi {
namespace {

using test::dns_query;

class PeerApi : public testing::Test {
 protected:
  PeerApi() {
    caller.address = IpAddress::parse("100.64.0.2").value();
    caller.node_name = "beta.tail.example";
    caller.user_name = "Hanako <b>";
    caller.may_resolve = true;
    caller.we_are_known_by = {
        IpAddress::parse("100.64.0.1").value(), IpAddress::parse("fd7a:115c:a1e0::1").value()};
  }
  http::Request get(std::string target) const {
    http::Request out;
    out.target = std::move(target);
    out.headers.set("Host", "100.64.0.1:40000");
    return out;
  }
  http::Request post(Bytes question) const {
    http::Request out = get("/dns-query");
    out.method = "POST";
    out.headers.set("Content-Type", "application/dns-message");
    out.body.assign(question.begin(), question.end());
    return out;
  }
  auto ask(const http::Request& request) const { return judge(request, caller, filtered); }
  int status(const http::Request& request) const {
    const auto judged = ask(request);
    const auto* response = std::get_if<http::Response>(&judged);
    return response == nullptr ? 0 : response->status;
  }

  Caller caller;
  std::vector<std::string> filtered = {"secret.example", ".corp.example", ""};
  const Buffer query = dns_query(7, "www.example.", 1);
};

TEST_F(PeerApi, GreetsByNameAndEscapesIt) {
  const auto judged = ask(get("/"));
  const auto& response = std::get<http::Response>(judged);
  EXPECT_EQ(response.status, 200);
  const std::string page(as_text(response.body));
  EXPECT_NE(page.find("Hanako &lt;b&gt; (100.64.0.2)"), std::string::npos) << page;
  EXPECT_NE(page.find("beta.tail.example"), std::string::npos);
  EXPECT_EQ(status(get("/v0/env")), 404);
}

TEST_F(PeerApi, TakesQuestionsBothWays) {
  EXPECT_EQ(std::get<DnsQuestion>(ask(post(query))).query, query);
  const auto by_get = ask(get("/dns-query?dns=" + to_base64url(query)));
  EXPECT_EQ(std::get<DnsQuestion>(by_get).query, query);
}

TEST_F(PeerApi, RefusesWhatIsNoQuestion) {
  EXPECT_EQ(status(get("/dns-query")), 400);
  EXPECT_EQ(status(get("/dns-query?dns=%21")), 400);
  EXPECT_EQ(status(post(as_bytes("?"))), 400);
  EXPECT_EQ(status(post(test::dns_response(query, 0))), 400);
  http::Request request = post(query);
  request.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(status(request), 400);
  request = post(query);
  request.method = "PUT";
  EXPECT_EQ(status(request), 400);
}

TEST_F(PeerApi, RefusesWhoMayNotAsk) {
  caller.may_resolve = false;
  EXPECT_EQ(status(post(query)), 403);
  EXPECT_EQ(status(get("/")), 200);
}

TEST_F(PeerApi, RefusesWebPages) {
  for (const char* host : {"evil.example", "100.64.0.9:40000", "100.64.0.1", ""}) {
    http::Request request = post(query);
    request.headers.set("Host", host);
    EXPECT_EQ(status(request), 403) << host;
  }
  for (const char* host : {"peer", "[fd7a:115c:a1e0::1]:1"}) {
    http::Request request = post(query);
    request.headers.set("Host", host);
    EXPECT_EQ(status(request), 0) << host;
    for (const char* field : {"Origin", "Referer"}) {
      http::Request page = request;
      page.headers.set(field, "http://100.64.0.1/");
      EXPECT_EQ(status(page), 403) << field;
    }
  }
}

TEST_F(PeerApi, DoesNotAnswerForFilteredNames) {
  const auto judged = ask(post(dns_query(7, "a.Corp.example.", 1)));
  const auto& response = std::get<http::Response>(judged);
  EXPECT_EQ(response.headers.get("Content-Type"), "application/dns-message");
  const auto parsed = dns::parse_response(response.body);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.id, 7);
  EXPECT_EQ(parsed->header.rcode(), dns::Rcode::Refused);
  EXPECT_TRUE(is_filtered("SECRET.example.", filtered));
  EXPECT_FALSE(is_filtered("a.secret.example.", filtered));
  EXPECT_FALSE(is_filtered("corp.example.", filtered));
  EXPECT_FALSE(is_filtered("notcorp.example.", filtered));
  EXPECT_FALSE(is_filtered(".", filtered));
}

}  // namespace
}  // namespace aya::peerapi
