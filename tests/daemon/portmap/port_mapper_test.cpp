#include "daemon/portmap/port_mapper.h"

#include "tests/daemon/portmap/fake_gateway.h"

namespace aya::portmap {
namespace {

using Protocol = PortMapper::Protocol;

TEST(PortMapper, MapsByNatPmp) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.want();
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Pmp);
  EXPECT_EQ(bench.changed, 1);
  EXPECT_EQ(bench.gateway.mapped.at(51000).internal, 41641);
}

TEST(PortMapper, MapsByPcpWhereThatIsAllThereIs) {
  PortmapBench bench;
  bench.gateway.pcp = true;
  bench.want();
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Pcp);
}

TEST(PortMapper, MapsByUpnpWhereThatIsAllThereIs) {
  PortmapBench bench;
  bench.gateway.upnp = true;
  bench.want();
  ASSERT_EQ(bench.gateway.mapped.size(), 1u);
  const auto& [port, mapped] = *bench.gateway.mapped.begin();
  EXPECT_EQ(bench.external(), "203.0.113.9:" + std::to_string(port));
  EXPECT_EQ(mapped.client, "192.168.1.7");
  EXPECT_EQ(mapped.internal, 41641);
  EXPECT_EQ(mapped.lease, 7200u);
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Upnp);
}

TEST(PortMapper, FindsNothingWhereNothingAnswers) {
  PortmapBench bench;
  bench.want();
  EXPECT_EQ(bench.external(), "none");
  EXPECT_EQ(bench.changed, 0);
  EXPECT_FALSE(bench.mapper.next_deadline());
}

TEST(PortMapper, DoesNothingWithoutAPortOrAGateway) {
  test::SeededRng rng;
  PortMapper mapper(rng);
  PortMapper::Effects out;
  const TimePoint now{1s};
  mapper.want(now, out);
  mapper.set_local_port(41641, now, out);
  mapper.want(now, out);
  mapper.set_network(
      PortMapper::Network{*IpAddress::parse("203.0.113.1"), *IpAddress::parse("203.0.113.7")}, now,
      out);
  mapper.want(now, out);
  mapper.receive({}, as_bytes("HTTP/1.1 200 OK\r\n\r\n"), now, out);
  EXPECT_TRUE(out.send.empty());
  mapper.probe(now, out);
  EXPECT_TRUE(out.probed);
}

// ---- the probe

TEST(PortMapper, ProbesEverythingAtOnceTheGatewayFirst) {
  PortmapBench bench;
  bench.mapper.probe(bench.now, bench.effects);
  bench.exchange();
  const Endpoint gateway{bench.gateway.address, kGatewayPort};
  const Endpoint unicast{bench.gateway.address, kSsdpPort};
  const Endpoint group{*IpAddress::parse("239.255.255.250"), kSsdpPort};
  EXPECT_EQ(bench.sent, (std::vector{gateway, gateway, unicast, group, group}));
  EXPECT_EQ(bench.probed, 0);
  bench.pass(250ms);
  EXPECT_EQ(bench.probed, 1);
  EXPECT_EQ(bench.mapper.services(bench.now), PortMapper::Services{});
}

TEST(PortMapper, EndsAProbeEarlyWhenAllHaveAnswered) {
  PortmapBench bench;
  bench.gateway.pmp = bench.gateway.pcp = bench.gateway.upnp = true;
  bench.mapper.probe(bench.now, bench.effects);
  bench.pass(49ms);
  EXPECT_EQ(bench.probed, 0);
  bench.pass(1ms);
  EXPECT_EQ(bench.probed, 1);
  EXPECT_EQ(bench.mapper.services(bench.now), (PortMapper::Services{true, true, true}));
}

TEST(PortMapper, RemembersForTenMinutesWhatAGatewaySpeaks) {
  PortmapBench bench;
  bench.gateway.pcp = true;
  bench.mapper.probe(bench.now, bench.effects);
  bench.pass(1s);
  bench.sent.clear();
  bench.mapper.probe(bench.now, bench.effects);
  bench.exchange();
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.probed, 2);
  bench.pass(10min);
  EXPECT_EQ(bench.mapper.services(bench.now), PortMapper::Services{});
  bench.mapper.probe(bench.now, bench.effects);
  bench.exchange();
  EXPECT_FALSE(bench.sent.empty());
}

TEST(PortMapper, TakesAProbeInProgressForTheBeginningOfAnAttempt) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.mapper.probe(bench.now, bench.effects);
  bench.mapper.want(bench.now, bench.effects);
  bench.pass(249ms);
  EXPECT_EQ(bench.external(), "none");  // the check is told everything first
  bench.pass(1ms);
  EXPECT_EQ(bench.probed, 1);
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
}

TEST(PortMapper, DoesNotCountAPcpThatIsSwitchedOff) {
  PortmapBench bench;
  bench.gateway.pcp = true;
  bench.gateway.pcp_result = PcpResult::NotAuthorized;
  bench.mapper.probe(bench.now, bench.effects);
  bench.pass(1s);
  EXPECT_FALSE(bench.mapper.services(bench.now).pcp);
}

// ---- falling through

TEST(PortMapper, TriesTheNextProtocolWhenOneRefuses) {
  PortmapBench bench;
  bench.gateway.pmp = bench.gateway.pcp = bench.gateway.upnp = true;
  bench.gateway.pmp_result = PmpResult::NotAuthorized;
  bench.want();
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Pcp);

  PortmapBench stubborn;
  stubborn.gateway.pmp = stubborn.gateway.pcp = stubborn.gateway.upnp = true;
  stubborn.gateway.pmp_result = PmpResult::OutOfResources;
  stubborn.gateway.pcp_result = PcpResult{8};
  stubborn.want();
  EXPECT_EQ(stubborn.mapper.mapping()->protocol, Protocol::Upnp);
}

TEST(PortMapper, SearchesForUpnpWhenAKnownProtocolFallsSilent) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.mapper.probe(bench.now, bench.effects);
  bench.pass(30s);
  bench.gateway.pmp = false;
  bench.gateway.upnp = true;
  bench.want();
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Upnp);
}

TEST(PortMapper, BacksOffAfterFiveFailuresUntilTheGatewayChanges) {
  PortmapBench bench;
  for (int i = 0; i < 5; ++i) {
    bench.want();
    bench.pass(20s);
  }
  bench.sent.clear();
  bench.want();
  EXPECT_TRUE(bench.sent.empty());
  bench.pass(5min);
  bench.want();
  EXPECT_FALSE(bench.sent.empty());
  for (int i = 0; i < 4; ++i) bench.want();
  bench.sent.clear();
  bench.want();
  EXPECT_TRUE(bench.sent.empty());
  bench.network.self = *IpAddress::parse("192.168.1.8");
  bench.mapper.set_network(bench.network, bench.now, bench.effects);
  bench.want();
  EXPECT_FALSE(bench.sent.empty());
}

TEST(PortMapper, RunsOneAttemptAtATime) {
  PortmapBench bench;
  bench.mapper.want(bench.now, bench.effects);
  const auto once = bench.effects.send.size();
  bench.mapper.want(bench.now, bench.effects);
  EXPECT_EQ(bench.effects.send.size(), once);
}

TEST(PortMapper, LeavesAGatewayAloneThatForbidsUpnp) {
  PortmapBench bench;
  bench.gateway.upnp = true;
  bench.gateway.add_error = UpnpError::NotAuthorized;
  bench.want();
  bench.gateway.add_error = {};
  bench.pass(300s);
  bench.want();
  EXPECT_EQ(bench.tasks.size(), 1u);
  bench.pass(301s);
  bench.want();
  EXPECT_NE(bench.external(), "none");
}

void answer_late(PortmapBench& bench) {
  const auto text = bench.gateway.ssdp_answer();
  bench.pass(1900ms);
  bench.mapper.receive({bench.gateway.address, 1900}, as_bytes(text), bench.now, bench.effects);
  bench.exchange();
}

TEST(PortMapper, TakesUpnpAnswersThatComeLate) {
  PortmapBench bench;
  bench.mapper.want(bench.now, bench.effects);
  answer_late(bench);
  ASSERT_TRUE(bench.mapper.mapping());
  EXPECT_EQ(bench.mapper.mapping()->protocol, Protocol::Upnp);

  PortmapBench useless;  // one such answer is enough
  useless.gateway.described = false;
  useless.mapper.want(useless.now, useless.effects);
  answer_late(useless);
  EXPECT_EQ(useless.tasks.size(), 1u);
  answer_late(useless);
  EXPECT_EQ(useless.tasks.size(), 1u);

  PortmapBench check;  // that wants no mapping
  check.mapper.probe(check.now, check.effects);
  answer_late(check);
  EXPECT_TRUE(check.tasks.empty());
}

TEST(PortMapper, GivesBackWhatComesTooLate) {
  PortmapBench bench;
  bench.gateway.upnp = true;
  bench.gateway_reachable = false;  // the answer takes its time
  bench.mapper.want(bench.now, bench.effects);
  const auto text = bench.gateway.ssdp_answer();
  bench.mapper.receive({bench.gateway.address, 1900}, as_bytes(text), bench.now, bench.effects);
  bench.pass(1h);
  ASSERT_EQ(bench.tasks.size(), 1u);
  const auto answer = map_by_upnp(bench.tasks[0], bench.gateway, bench.rng);
  ASSERT_TRUE(answer.granted);
  bench.mapper.set_local_port(5000, bench.now, bench.effects);
  bench.mapper.on_upnp(answer, bench.now, bench.effects);
  EXPECT_EQ(bench.effects.give_back, std::vector{answer.granted->hold});
  EXPECT_EQ(bench.external(), "none");
}

// ---- keeping it

TEST(PortMapper, RenewsAtHalfOfTheLifetimeWithTheSamePort) {
  for (const Protocol protocol : {Protocol::Pmp, Protocol::Pcp, Protocol::Upnp}) {
    PortmapBench bench;
    bench.gateway.pmp = protocol == Protocol::Pmp;
    bench.gateway.pcp = protocol == Protocol::Pcp;
    bench.gateway.upnp = protocol == Protocol::Upnp;
    bench.want();
    const std::string at = bench.external();
    bench.sent.clear();
    bench.tasks.clear();
    bench.pass(3580s);
    bench.want();
    EXPECT_TRUE(bench.sent.empty() && bench.tasks.empty());
    bench.pass(10s);
    EXPECT_TRUE(!bench.sent.empty() || !bench.tasks.empty());
    bench.pass(7000s);
    EXPECT_EQ(bench.external(), at);
    EXPECT_EQ(bench.gateway.mapped.size(), 1u);
    EXPECT_EQ(bench.changed, 1);
  }
}

TEST(PortMapper, GivesUpAMappingThatCannotBeRenewed) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.gateway.lifetime = 60;
  bench.want();
  bench.gateway_reachable = false;
  bench.pass(40s);
  EXPECT_NE(bench.external(), "none");
  bench.pass(20s);
  EXPECT_EQ(bench.external(), "none");
  EXPECT_EQ(bench.changed, 2);
  bench.pass(5min);
  EXPECT_FALSE(bench.mapper.next_deadline());
}

TEST(PortMapper, KeepsAMappingWhileRenewalFails) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.want();
  bench.gateway_reachable = false;
  bench.pass(6000s);
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
  const auto tries = bench.sent.size();
  EXPECT_LT(tries, 30u);
  bench.gateway_reachable = true;
  bench.pass(4000s);
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
  EXPECT_EQ(bench.changed, 1);
}

TEST(PortMapper, MapsAnewWhenTheGatewayHasRestarted) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.want();
  bench.pass(600s);
  bench.gateway.mapped.clear();
  bench.gateway.up_since = bench.now - 5s;
  // Any answer tells, for instance one to a network check.
  bench.mapper.probe(bench.now, bench.effects);
  bench.pass(1s);
  EXPECT_EQ(bench.external(), "none");
  bench.want();
  EXPECT_EQ(bench.external(), "203.0.113.9:51000");
  EXPECT_EQ(bench.gateway.mapped.size(), 1u);
}

TEST(PortMapper, GivesTheMappingBack) {
  for (const Protocol protocol : {Protocol::Pmp, Protocol::Pcp, Protocol::Upnp}) {
    PortmapBench bench;
    bench.gateway.pmp = protocol == Protocol::Pmp;
    bench.gateway.pcp = protocol == Protocol::Pcp;
    bench.gateway.upnp = protocol == Protocol::Upnp;
    bench.want();
    ASSERT_EQ(bench.gateway.mapped.size(), 1u);
    bench.mapper.release(bench.now, bench.effects);
    bench.exchange();
    EXPECT_TRUE(bench.gateway.mapped.empty());
    EXPECT_EQ(bench.external(), "none");
    EXPECT_EQ(bench.changed, 2);
  }
}

TEST(PortMapper, MapsTheNewPortAndGivesTheOldOneBack) {
  PortmapBench bench;
  bench.gateway.pcp = true;
  bench.want();
  bench.mapper.set_local_port(5000, bench.now, bench.effects);
  bench.exchange();
  EXPECT_TRUE(bench.gateway.mapped.empty());
  bench.want();
  EXPECT_EQ(bench.gateway.mapped.begin()->second.internal, 5000);
}

TEST(PortMapper, ForgetsAMappingWithTheNetwork) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.want();
  bench.sent.clear();
  bench.mapper.set_network(std::nullopt, bench.now, bench.effects);
  bench.exchange();
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.external(), "none");
}

// ---- whom to believe

TEST(PortMapper, KeepsAMappingBehindASecondNatButDoesNotAdvertiseIt) {
  for (const char* outside : {"192.168.100.2", "100.70.0.1", "10.0.0.1"}) {
    PortmapBench bench;
    bench.gateway.pmp = true;
    bench.gateway.outside = outside;
    bench.want();
    EXPECT_TRUE(bench.mapper.mapping());
    EXPECT_TRUE(bench.mapper.behind_second_nat());
    EXPECT_EQ(bench.external(), "none");
  }
}

TEST(PortMapper, TakesPcpsAddressMismatchForASecondNat) {
  PortmapBench bench;
  bench.gateway.pcp = true;
  bench.gateway.pcp_result = PcpResult::AddressMismatch;
  bench.want();
  EXPECT_TRUE(bench.mapper.behind_second_nat());
}

TEST(PortMapper, BelievesTheGatewayOnly) {
  PortmapBench bench;
  FakeGateway liar;
  liar.pmp = true;
  liar.outside = "198.51.100.66";
  bench.mapper.want(bench.now, bench.effects);
  bench.exchange();
  const auto address = *liar.answer(pmp_external_address_request(), bench.now);
  const auto mapping = *liar.answer(
      pmp_map_request({41641, 0, std::chrono::duration<std::uint32_t>(7200)}), bench.now);
  for (const Endpoint& from :
       {Endpoint{bench.gateway.address, 5352}, Endpoint{*IpAddress::parse("192.168.1.66"), 5351}}) {
    bench.mapper.receive(from, address, bench.now, bench.effects);
    bench.mapper.receive(from, mapping, bench.now, bench.effects);
  }
  bench.pass(6s);
  EXPECT_EQ(bench.external(), "none");
  EXPECT_FALSE(bench.mapper.services(bench.now).pmp);
}

TEST(PortMapper, IgnoresUpnpAnswersOfOtherHosts) {
  PortmapBench bench;
  bench.mapper.want(bench.now, bench.effects);
  bench.exchange();
  FakeGateway liar;
  liar.location = "http://192.168.1.66:5000/root.xml";
  const auto text = liar.ssdp_answer();
  bench.mapper.receive(
      {*IpAddress::parse("192.168.1.66"), 1900}, as_bytes(text), bench.now, bench.effects);
  EXPECT_FALSE(bench.mapper.services(bench.now).upnp);
  // From the gateway itself, which has several addresses, it is taken to mean the gateway.
  bench.mapper.receive({bench.gateway.address, 5555}, as_bytes(text), bench.now, bench.effects);
  EXPECT_TRUE(bench.mapper.services(bench.now).upnp);
  bench.pass(300ms);
  ASSERT_FALSE(bench.tasks.empty());
  EXPECT_EQ(bench.tasks[0].descriptions[0].to_text(), "http://192.168.1.1:5000/root.xml");
}

TEST(PortMapper, DoesNotTakeAMappingOfAnotherPort) {
  PortmapBench bench;
  bench.gateway.pmp = true;
  bench.mapper.want(bench.now, bench.effects);
  bench.effects.clear();
  const auto address = *bench.gateway.answer(pmp_external_address_request(), bench.now);
  const Endpoint gateway{bench.gateway.address, kGatewayPort};
  bench.mapper.receive(gateway, address, bench.now, bench.effects);  // ends the probe
  bench.effects.clear();
  const auto other = *bench.gateway.answer(
      pmp_map_request({9999, 0, std::chrono::duration<std::uint32_t>(7200)}), bench.now);
  bench.mapper.receive(gateway, address, bench.now, bench.effects);
  bench.mapper.receive(gateway, other, bench.now, bench.effects);
  EXPECT_FALSE(bench.mapper.mapping());
}

}  // namespace
}  // namespace aya::portmap
