#include "daemon/host_dns/renderers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host_dns/bus.h"

namespace aya::host_dns {
namespace {

using testing::ElementsAre;
using Words = std::vector<std::string>;

Wanted split() {
  Wanted out;
  out.nameservers = {*IpAddress::parse("100.100.100.100"), *IpAddress::parse("fd7a::53")};
  out.search_domains = {"mesh.test", "lan"};
  out.match_domains = {"mesh.test", "corp.test", "64.100.in-addr.arpa"};
  return out;
}

Wanted everything() {
  Wanted out = split();
  out.nameservers.pop_back();
  out.all_names = true;
  return out;
}

Words values_of(const std::vector<BusCall>& calls, std::string_view method) {
  for (const BusCall& call : calls) {
    if (call.method == method) return call.values;
  }
  return {"no such call"};
}

TEST(ResolvedCalls, NameWhatIsOursAndLeaveTheRest) {
  const auto calls = resolved_calls(7, split(), true);
  // A domain that is searched is not said again as one that is only matched.
  EXPECT_THAT(
      values_of(calls, "SetLinkDomains"),
      ElementsAre(
          "ia(sb)", "7", "4", "mesh.test", "false", "lan", "false", "corp.test", "true",
          "64.100.in-addr.arpa", "true"));
  EXPECT_THAT(values_of(calls, "SetLinkDefaultRoute"), ElementsAre("ib", "7", "false"));
  EXPECT_THAT(
      values_of(calls, "SetLinkDNS"),
      ElementsAre(
          "ia(iay)", "7", "2", "2", "4", "100", "100", "100", "100", "10", "16", "253", "122", "0",
          "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "83"));
  for (const char* method :
       {"SetLinkLLMNR", "SetLinkMulticastDNS", "SetLinkDNSSEC", "SetLinkDNSOverTLS"}) {
    EXPECT_THAT(values_of(calls, method), ElementsAre("is", "7", "no")) << method;
  }
  EXPECT_THAT(values_of(calls, "FlushCaches"), ElementsAre());
}

TEST(ResolvedCalls, AllNamesAreTheRootDomainAndTheDefaultRoute) {
  const auto calls = resolved_calls(7, everything(), false);
  EXPECT_THAT(
      values_of(calls, "SetLinkDomains"), ElementsAre(
                                              "ia(sb)", "7", "4", "mesh.test", "false", "lan",
                                              "false", "corp.test", "true", ".", "true"));
  EXPECT_THAT(values_of(calls, "SetLinkDefaultRoute"), ElementsAre("ib", "7", "true"));
}

TEST(Busctl, GetsOptionsFirstAndValuesLast) {
  EXPECT_EQ(
      busctl_arguments(
          {.service = "a.b",
           .path = "/a",
           .interface = "a.B",
           .method = "M",
           .values = {"i", "-1"}}),
      (Words{"--auto-start=no", "--", "call", "a.b", "/a", "a.B", "M", "i", "-1"}));
  EXPECT_EQ(
      busctl_arguments(
          {.service = "a.b",
           .path = "/a",
           .interface = "a.B",
           .method = "M",
           .values = {},
           .may_start_service = true}),
      (Words{"--", "call", "a.b", "/a", "a.B", "M"}));
}

TEST(Busctl, AnswersAreASignatureAndAValue) {
  EXPECT_EQ(value_of("s \"1.42.4\"\n"), "1.42.4");
  EXPECT_EQ(value_of("u 4711\n"), "4711");
  EXPECT_EQ(value_of("s \"\"\n"), "");
  EXPECT_EQ(value_of("s \""), "\"");
  EXPECT_EQ(value_of("\n"), "");
}

TEST(Nmcli, IsToldEachFamilyApart) {
  EXPECT_EQ(
      nmcli_arguments("ayatori0", everything()),
      (Words{
          "--wait", "1", "device", "modify", "ayatori0", "ipv4.dns", "100.100.100.100",
          "ipv4.dns-search", "mesh.test,lan,~corp.test,~64.100.in-addr.arpa,~.",
          "ipv4.dns-priority", "-1", "ipv4.ignore-auto-dns", "yes"}));
  const auto both = nmcli_arguments("ayatori0", split());
  EXPECT_THAT(both, testing::IsSupersetOf({"ipv6.dns", "fd7a::53", "100"}));
  EXPECT_THAT(both, testing::Not(testing::Contains("-1")));
}

TEST(Resolvconf, GetsARecordThatSortsFirst) {
  EXPECT_EQ(resolvconf_record(everything()), "nameserver 100.100.100.100\nsearch mesh.test lan\n");
  EXPECT_EQ(resolvconf_record_name("ayatori0"), "tun-ayatori0.inet");
}

TEST(DnsmasqFile, IsAboutNamesOfTheMeshEvenWhereAllAreOurs) {
  EXPECT_EQ(
      dnsmasq_file(everything()),
      "# Written by ayatorid: names of the mesh.\n"
      "server=/mesh.test/100.100.100.100\n"
      "rebind-domain-ok=/mesh.test/\n"
      "server=/corp.test/100.100.100.100\n"
      "rebind-domain-ok=/corp.test/\n"
      "server=/64.100.in-addr.arpa/100.100.100.100\n");
}

}  // namespace
}  // namespace aya::host_dns
