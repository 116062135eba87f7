#include "daemon/dns/dns_message.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/dns/message_stream.h"
#include "daemon/dns/public_resolvers.h"
#include "daemon/dns/resolver.h"
#include "daemon/dns/reverse_name.h"
#include "tests/daemon/dns/dns_text.h"

namespace aya::dns {
namespace {

using test::dns_query;
using test::dns_response;

TEST(UdpSizeLimit, IsTheEdnsSizeWithinReason) {
  EXPECT_EQ(udp_size_limit(dns_query(1, "a.example.", 1)), 512u);
  EXPECT_EQ(udp_size_limit(dns_query(1, "a.example.", 1, 100)), 512u);
  EXPECT_EQ(udp_size_limit(dns_query(1, "a.example.", 1, 1000)), 1000u);
  EXPECT_EQ(udp_size_limit(dns_query(1, "a.example.", 1, 65535)), 1232u);
}

TEST(UdpSizeLimit, SurvivesEveryTruncation) {
  const Buffer query = dns_query(1, "a.example.", 1, 1000);
  for (std::size_t size = 0; size < query.size(); ++size) {
    EXPECT_EQ(udp_size_limit(Bytes(query).first(size)), 512u);
  }
}

TEST(LimitUdpSize, LowersButNeverRaises) {
  Buffer query = dns_query(1, "a.example.", 1, 4096);
  limit_udp_size(query, 1000);
  EXPECT_EQ(query, dns_query(1, "a.example.", 1, 1000));
  limit_udp_size(query, 1232);
  EXPECT_EQ(query, dns_query(1, "a.example.", 1, 1000));
  query = dns_query(1, "a.example.", 1);
  limit_udp_size(query, 1000);
  EXPECT_EQ(query, dns_query(1, "a.example.", 1));
}

TEST(MessageStream, GivesWholeMessagesHoweverTheyArrive) {
  const std::vector<std::string> messages = {"first", "", std::string(70, 'x'), "last"};
  Buffer wire;
  for (const std::string& message : messages) {
    ASSERT_TRUE(write_stream_message(as_bytes(message), wire));
  }
  for (const std::size_t piece : {1u, 2u, 7u, 1000u}) {
    MessageStream stream;
    std::vector<std::string> got;
    for (Bytes left = wire; !left.empty(); left = left.subspan(std::min(piece, left.size()))) {
      stream.add(left.first(std::min(piece, left.size())));
      while (const auto message = stream.take()) got.emplace_back(as_text(*message));
    }
    EXPECT_EQ(got, messages);
    EXPECT_TRUE(stream.is_empty());
  }
  wire.clear();
  EXPECT_FALSE(write_stream_message(Buffer(0x10000), wire));
  EXPECT_TRUE(wire.empty());
}

TEST(PublicResolvers, AreKnownByTheirHosts) {
  const auto known = public_resolver_addresses("dns.quad9.net");
  EXPECT_EQ(known.size(), 4u);
  EXPECT_EQ(known.at(0).to_text(), "9.9.9.9");
  EXPECT_TRUE(public_resolver_addresses("dns.example").empty());
}

TEST(TruncatedResponse, KeepsHeaderAndQuestion) {
  const Buffer query = dns_query(7, "a.example.", 1);
  const Buffer response = dns_response(query, 0, 900);
  const Buffer cut = truncated_response(response, parse_response(response).value());
  ASSERT_EQ(cut.size(), query.size());
  const auto parsed = parse_response(cut);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.id, 7);
  EXPECT_NE(parsed->header.flags & Header::kTruncated, 0);
  EXPECT_EQ(parsed->question.name, "a.example.");
}

TEST(IsWireName, KnowsTheLimits) {
  const std::string label(63, 'a');
  EXPECT_TRUE(is_wire_name("."));
  EXPECT_TRUE(is_wire_name(label + ".example."));
  EXPECT_FALSE(is_wire_name(label + "a.example."));
  EXPECT_FALSE(is_wire_name(""));
  EXPECT_FALSE(is_wire_name("example"));
  EXPECT_FALSE(is_wire_name("a..example."));
  EXPECT_FALSE(is_wire_name(".example."));
  EXPECT_TRUE(is_wire_name(label + "." + label + "." + label + "." + std::string(61, 'b') + "."));
  EXPECT_FALSE(is_wire_name(label + "." + label + "." + label + "." + std::string(62, 'b') + "."));
}

TEST(Resolver, LeavesOutNamesThatDoNotFitAMessage) {
  Resolver resolver;
  resolver.configure(
      {.hosts = {{std::string(64, 'a') + ".example.", {IpAddress::v4(1)}}},
       .local_domains = {"no-final-dot"},
       .subdomain_hosts = {}});
  EXPECT_TRUE(resolver.config().hosts.empty());
  EXPECT_TRUE(resolver.config().local_domains.empty());
}

// What programs that know nothing of IDNA put into their questions.
TEST(Resolver, AnswersAQuestionInUtf8WithItsOwnName) {
  Resolver resolver;
  resolver.configure(
      {.hosts = {{"xn--qck9c2csb.tail.example.", {IpAddress::v4(0x64400001)}}},
       .local_domains = {"tail.example."},
       .subdomain_hosts = {"xn--qck9c2csb.tail.example."}});
  for (const char* name : {"リビング.tail.example.", "電話.リビング.Tail.example."}) {
    Buffer out;
    EXPECT_EQ(resolver.answer(dns_query(1, name, 1), WallTime{}, out), Outcome::Answered);
    const auto response = parse_response(out);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->header.rcode(), Rcode::Ok);
    EXPECT_EQ(response->header.answers, 1);
    EXPECT_EQ(response->question.name, name);
  }
  Buffer out;
  EXPECT_EQ(
      resolver.answer(dns_query(1, "台所.tail.example.", 1), WallTime{}, out), Outcome::Answered);
  EXPECT_EQ(parse_response(out)->header.rcode(), Rcode::NxDomain);
  EXPECT_EQ(resolver.answer(dns_query(1, "例え.example.", 1), WallTime{}, out), Outcome::Forward);
}

TEST(SiteLabel, ReadsSiteNumbersAsProgrammersWriteThem) {
  const auto site = [](std::string_view label) {
    const auto address = parse_site_label(label);
    return address ? address->to_text() : "none";
  };
  EXPECT_EQ(site("10-1-2-3-via-7"), "fd7a:115c:a1e0:b1a:0:7:a01:203");
  EXPECT_EQ(site("10-1-2-3-via-0o17"), "fd7a:115c:a1e0:b1a:0:f:a01:203");
  EXPECT_EQ(site("10-1-2-3-via-0x_1"), "fd7a:115c:a1e0:b1a:0:1:a01:203");
  for (const char* bad : {"1__0", "_1", "1_", "", "0x", "-1", "+1", "4294967296", "8x"}) {
    EXPECT_EQ(site(std::string("10-1-2-3-via-") + bad), "none") << bad;
  }
}

}  // namespace
}  // namespace aya::dns
