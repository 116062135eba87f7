#include "daemon/dns/forwarder.h"

#include <gtest/gtest.h>

#include "tests/daemon/dns/dns_text.h"
#include "tests/support/seeded_rng.h"

namespace aya::dns {
namespace {

using test::dns_query;
using test::dns_response;

Endpoint server(int n) { return {IpAddress::v4(0xc0000200u + static_cast<unsigned>(n)), 53}; }

class ForwarderTest : public testing::Test {
 protected:
  ForwarderTest() { forwarder.configure({.upstreams = {server(1), server(2)}, .routes = {}}); }

  void ask(std::uint64_t asker, std::string_view name, std::uint16_t edns_size = 0) {
    forwarder.query(asker, dns_query(0x4242, name, 1, edns_size), true, now, out);
  }
  void pass(Duration time) {
    now += time;
    forwarder.advance(now, out);
  }
  // The server's answer to the newest query that went to it.
  void answer(int n, std::uint8_t rcode, std::size_t padding = 0) {
    for (auto sent = out.to_servers.rbegin(); sent != out.to_servers.rend(); ++sent) {
      if (sent->to != server(n) || sent->way != Forwarder::Way::Udp) continue;
      return forwarder.on_response(server(n), dns_response(sent->query, rcode, padding), now, out);
    }
    FAIL() << "nothing was sent to server " << n;
  }
  void ask_by_tcp(std::uint64_t asker, std::string_view name) {
    forwarder.query(asker, dns_query(0x4242, name, 1, 4096), false, now, out);
  }
  Buffer truncated(const Forwarder::Send& sent) const {
    Buffer response = dns_response(sent.query, 0);
    response[2] |= std::byte{0x02};
    return response;
  }
  Header reply_header() const { return Header::parse(out.to_askers.at(0).response).value(); }

  test::SeededRng rng;
  Forwarder forwarder{rng};
  Forwarder::Effects out;
  TimePoint now{};
};

TEST_F(ForwarderTest, TheAskerGetsItsOwnIdBack) {
  ask(9, "a.example.");
  ASSERT_EQ(out.to_servers.size(), 1u);
  EXPECT_EQ(out.to_servers[0].to, server(1));
  EXPECT_EQ(out.to_servers[0].way, Forwarder::Way::Udp);
  EXPECT_NE(Header::parse(out.to_servers[0].query)->id, 0x4242);
  answer(1, 0);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(out.to_askers[0].asker, 9u);
  EXPECT_EQ(reply_header().id, 0x4242);
  EXPECT_EQ(forwarder.in_flight(), 0u);
  EXPECT_EQ(forwarder.next_deadline(), std::nullopt);
}

TEST_F(ForwarderTest, ASilentServerIsJoinedByTheNext) {
  ask(1, "a.example.");
  EXPECT_EQ(forwarder.next_deadline(), now + Forwarder::kTryNextAfter);
  pass(Forwarder::kTryNextAfter);
  ASSERT_EQ(out.to_servers.size(), 2u);
  EXPECT_EQ(out.to_servers[1].to, server(2));
  answer(1, 0);  // late, but first
  EXPECT_EQ(out.to_askers.size(), 1u);
  answer(2, 0);
  EXPECT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(forwarder.counters().stray, 1u);
}

TEST_F(ForwarderTest, AFailureTurnsToTheNextServerAtOnce) {
  ask(1, "a.example.");
  answer(1, 2);
  ASSERT_EQ(out.to_servers.size(), 2u);
  EXPECT_TRUE(out.to_askers.empty());
  answer(2, 3);  // NXDOMAIN is an answer
  EXPECT_EQ(reply_header().rcode(), Rcode::NxDomain);
}

TEST_F(ForwarderTest, WhenAllFailTheFirstFailureIsTold) {
  ask(1, "a.example.");
  answer(1, 5);
  answer(2, 2);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(reply_header().rcode(), Rcode::Refused);
}

TEST_F(ForwarderTest, OneServerFailingTwiceIsNotTwoServersFailing) {
  ask(1, "a.example.");
  answer(1, 2);
  answer(1, 2);
  EXPECT_TRUE(out.to_askers.empty());
}

TEST_F(ForwarderTest, GivesUpWithServFail) {
  ask(1, "a.example.");
  pass(Forwarder::kTryNextAfter);
  EXPECT_EQ(forwarder.next_deadline(), TimePoint() + Forwarder::kTryTcpAfter);
  pass(Forwarder::kGiveUpAfter);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(reply_header().rcode(), Rcode::ServFail);
  EXPECT_EQ(forwarder.counters().timed_out, 1u);
}

TEST_F(ForwarderTest, NobodyToAskIsServFailAtOnce) {
  forwarder.configure({});
  ask(1, "a.example.");
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(reply_header().rcode(), Rcode::ServFail);
}

TEST_F(ForwarderTest, TheLongestRouteDecides) {
  forwarder.configure(
      {.upstreams = {server(1)},
       .routes = {{"corp.example.", {server(2)}}, {"lab.corp.example.", {server(3)}}}});
  ask(1, "a.example.");
  ask(2, "A.Corp.Example.");
  ask(3, "x.lab.corp.example.");
  ask(4, "notcorp.example.");
  ASSERT_EQ(out.to_servers.size(), 4u);
  EXPECT_EQ(out.to_servers[0].to, server(1));
  EXPECT_EQ(out.to_servers[1].to, server(2));
  EXPECT_EQ(out.to_servers[2].to, server(3));
  EXPECT_EQ(out.to_servers[3].to, server(1));
}

TEST_F(ForwarderTest, OnlyTheServerThatWasAskedIsBelieved) {
  ask(1, "a.example.");
  const Buffer good = dns_response(out.to_servers[0].query, 0);
  forwarder.on_response(server(2), good, now, out);  // not asked yet
  forwarder.on_response({server(1).address, 54}, good, now, out);
  Buffer other_id = good;
  other_id[0] ^= std::byte{1};
  forwarder.on_response(server(1), other_id, now, out);
  Buffer other_question = good;
  other_question[Header::kSize + 1] = std::byte{'b'};
  forwarder.on_response(server(1), other_question, now, out);
  forwarder.on_response(server(1), out.to_servers[0].query, now, out);  // a query, not a response
  EXPECT_TRUE(out.to_askers.empty());
  EXPECT_EQ(forwarder.counters().stray, 5u);
  forwarder.on_response(server(1), good, now, out);
  EXPECT_EQ(out.to_askers.size(), 1u);
}

TEST_F(ForwarderTest, AnAnswerTooLongForTheAskerIsTruncated) {
  ask(1, "a.example.");
  answer(1, 0, 600);
  EXPECT_NE(reply_header().flags & Header::kTruncated, 0);
  EXPECT_LT(out.to_askers[0].response.size(), 100u);
  out.clear();
  ask(2, "a.example.", 1232);
  answer(1, 0, 600);
  EXPECT_EQ(reply_header().flags & Header::kTruncated, 0);
  EXPECT_GT(out.to_askers[0].response.size(), 600u);
}

TEST_F(ForwarderTest, ASilentServerIsAskedLastForAWhile) {
  ask(1, "a.example.");
  pass(Forwarder::kTryNextAfter);
  answer(2, 0);
  out.clear();
  ask(2, "b.example.");
  ASSERT_EQ(out.to_servers.size(), 1u);
  EXPECT_EQ(out.to_servers[0].to, server(2));
  answer(2, 0);
  now += Forwarder::kShunFor;
  out.clear();
  ask(3, "c.example.");
  EXPECT_EQ(out.to_servers[0].to, server(1));
}

TEST_F(ForwarderTest, WhenUdpIsSilentTheServersAreAskedByTcp) {
  ask(1, "a.example.");
  pass(Forwarder::kTryNextAfter);
  out.clear();
  pass(Forwarder::kTryTcpAfter - Forwarder::kTryNextAfter);
  ASSERT_EQ(out.to_servers.size(), 1u);
  EXPECT_EQ(out.to_servers[0].way, Forwarder::Way::Tcp);
  EXPECT_EQ(out.to_servers[0].to, server(1));
  forwarder.on_stream_failure(out.to_servers[0].ticket, now, out);
  EXPECT_EQ(out.to_servers.size(), 1u) << "the others may still answer";
  pass(Forwarder::kTryNextAfter);
  ASSERT_EQ(out.to_servers.size(), 2u);
  const Forwarder::Send& second = out.to_servers[1];
  EXPECT_EQ(second.to, server(2));
  forwarder.on_stream_response(second.ticket, dns_response(second.query, 0), now, out);
  EXPECT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(forwarder.counters().by_tcp, 2u);
}

TEST_F(ForwarderTest, ATruncatedAnswerIsAskedForAgainByTcpIfItsAskerCanTakeIt) {
  ask(1, "a.example.");
  forwarder.on_response(server(1), truncated(out.to_servers[0]), now, out);
  ASSERT_EQ(out.to_askers.size(), 1u) << "by UDP there is no more to be had";
  EXPECT_NE(reply_header().flags & Header::kTruncated, 0);
  out.clear();
  ask_by_tcp(2, "a.example.");
  const std::uint16_t size = 1232;
  EXPECT_EQ(udp_size_limit(out.to_servers[0].query), size) << "no more than arrives in one piece";
  forwarder.on_response(server(1), truncated(out.to_servers[0]), now, out);
  EXPECT_TRUE(out.to_askers.empty());
  ASSERT_EQ(out.to_servers.size(), 2u);
  const Forwarder::Send by_tcp = out.to_servers[1];
  EXPECT_EQ(by_tcp.way, Forwarder::Way::Tcp);
  EXPECT_EQ(by_tcp.to, server(1));
  forwarder.on_stream_response(by_tcp.ticket, dns_response(by_tcp.query, 0, 30000), now, out);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_GT(out.to_askers[0].response.size(), 30000u);
  EXPECT_EQ(forwarder.counters().truncated, 2u);
}

TEST_F(ForwarderTest, WhereTcpFailsATruncatedAnswerIsBetterThanNone) {
  forwarder.configure({.upstreams = {server(1)}, .routes = {}});
  ask_by_tcp(1, "a.example.");
  forwarder.on_response(server(1), truncated(out.to_servers[0]), now, out);
  ASSERT_EQ(out.to_servers.size(), 2u);
  forwarder.on_stream_failure(out.to_servers[1].ticket, now, out);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(reply_header().rcode(), Rcode::Ok);
  EXPECT_NE(reply_header().flags & Header::kTruncated, 0);
}

TEST_F(ForwarderTest, AServerByUrlIsAskedOverHttps) {
  const Upstream doh("https://doh.example/dns-query", {IpAddress::v4(0xc0000299)});
  forwarder.configure({.upstreams = {doh, server(1)}, .routes = {}});
  ask(1, "a.example.");
  ASSERT_EQ(out.to_servers.size(), 1u);
  const Forwarder::Send sent = out.to_servers[0];
  EXPECT_EQ(sent.way, Forwarder::Way::Https);
  EXPECT_EQ(sent.to, doh);
  Buffer forged = dns_response(sent.query, 0);
  forged[0] ^= std::byte{1};
  forwarder.on_stream_response(sent.ticket, forged, now, out);
  EXPECT_TRUE(out.to_askers.empty());
  ASSERT_EQ(out.to_servers.size(), 2u) << "who answers nonsense has failed";
  EXPECT_EQ(out.to_servers[1].to, server(1));
  forwarder.on_stream_response(sent.ticket, dns_response(sent.query, 0), now, out);
  EXPECT_TRUE(out.to_askers.empty()) << "once";
  answer(1, 0);
  EXPECT_EQ(out.to_askers.size(), 1u);
  forwarder.on_stream_failure(sent.ticket, now, out);  // nothing waits for it any more
  EXPECT_EQ(forwarder.counters().by_https, 1u);
}

TEST_F(ForwarderTest, PeersHaveServersOfTheirOwn) {
  forwarder.configure({.upstreams = {server(1)}, .routes = {}, .for_peers = {server(3)}});
  const Buffer query = dns_query(7, "a.example.", 1);
  forwarder.query(1, query, false, now, out, Forwarder::For::Peer);
  forwarder.query(2, query, false, now, out);
  ASSERT_EQ(out.to_servers.size(), 2u);
  EXPECT_EQ(out.to_servers[0].to, server(3));
  EXPECT_EQ(out.to_servers[1].to, server(1));
}

TEST_F(ForwarderTest, AFloodIsRefusedAndForgotten) {
  for (std::uint64_t asker = 0; asker <= Forwarder::kMaxInFlight; ++asker) ask(asker, "a.example.");
  EXPECT_EQ(forwarder.in_flight(), Forwarder::kMaxInFlight);
  ASSERT_EQ(out.to_askers.size(), 1u);
  EXPECT_EQ(reply_header().rcode(), Rcode::ServFail);
  pass(Forwarder::kGiveUpAfter);
  EXPECT_EQ(forwarder.in_flight(), 0u);
}

}  // namespace
}  // namespace aya::dns
