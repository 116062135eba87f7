#include "daemon/dns/dns_message.h"

#include <gtest/gtest.h>

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
