// Two data planes joined by a relay and by UDP, in virtual time: where packets go, what is dropped
// and counted, and that steady traffic allocates nothing.
#include "daemon/dataplane/dataplane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocation_count.h"
#include "tests/support/tunnel_pair.h"

namespace aya::dataplane {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr RegionId kRelay = 7;
constexpr PeerId kPeer{4};
constexpr std::uint16_t kOpenPort = 80;

class End final : public Dataplane::Ports {
 public:
  End(std::uint64_t seed, std::uint8_t host)
      : rng(seed),
        key(NodePrivateKey::generate(rng)),
        disco(DiscoPrivateKey::generate(rng)),
        inner(IpAddress::v4(100u << 24 | 64u << 16 | host)),
        at{IpAddress::v4(192u << 24 | 2u << 8 | host), host},
        plane(key, disco, rng, pool, {.wall_clock = [] { return WallTime(1767225600s); }}, *this) {
    received.reserve(4096);
    plane.set_own_addresses(std::span(&inner, 1));
    const Prefix own = Prefix::host(inner);
    plane.packet_filter().set_local(std::span(&own, 1));
    control::FilterRule web;
    web.src_ips = {"*"};
    auto& to = web.dst_ports.emplace_back();
    to.ip = "*";
    to.ports = {kOpenPort, kOpenPort};
    plane.packet_filter().set_rules(filter::compile(std::span(&web, 1), {}), false);
  }

  void to_host(std::span<const Packet> packets) override {
    for (const Packet& packet : packets) {
      received.push_back(load_le<std::uint32_t>(packet.bytes().data() + 28));
      last = filter::PacketView::parse(packet.bytes());
    }
  }
  void to_udp(std::span<const UdpDatagram> batch) override {
    for (const auto& one : batch) udp.emplace_back(one.to, pool.copy_of(one.bytes));
  }
  void to_relay(RegionId region, const NodePublicKey& to, Packet packet) override {
    EXPECT_EQ(region, kRelay);
    relayed.emplace_back(to, std::move(packet));
  }
  void to_dns_server(const dns::Forwarder::Send& query) override { dns.push_back(query.to.at); }
  void on_dns_answer(dns::QuestionId, Bytes) override {}
  void on_stun(Bytes, const Endpoint& from) override { stun.push_back(from); }
  void on_path_change(const path::PathChange&) override { ++path_changes; }
  void on_ping_done(const path::PingDone&) override {}
  void on_inner_ping_done(const InnerPingDone&) override {}
  void on_handshake(PeerId peer) override { handshakes.push_back(peer); }
  void wants_restun() override {}
  void wants_echo(const IpAddress&) override {}

  test::SeededRng rng;
  PacketPool pool;
  NodePrivateKey key;
  DiscoPrivateKey disco;
  IpAddress inner;
  Endpoint at;
  Dataplane plane;
  std::vector<std::uint32_t> received;
  filter::PacketView last;  // its addresses and ports, that is
  std::vector<std::pair<Endpoint, Packet>> udp;
  std::vector<std::pair<NodePublicKey, Packet>> relayed;
  std::vector<Endpoint> dns, stun;
  std::vector<PeerId> handshakes;
  int path_changes = 0;
};

class DataplaneTest : public testing::Test {
 protected:
  DataplaneTest() {
    introduce(a, b);
    introduce(b, a);
  }
  void introduce(End& self, const End& other) { introduce(self, other, other.inner, {}); }
  void introduce(
      End& self, const End& other, const IpAddress& known_as, std::vector<IpAddress> knows_us_as,
      bool jailed = false) {
    PeerFacts facts;
    facts.knows_us_as = std::move(knows_us_as);
    facts.is_jailed = jailed;
    facts.path = {other.key.public_key(), other.disco.public_key(), {other.at}, kRelay, 142};
    facts.allowed_ips = {Prefix::host(known_as)};
    facts.addresses = {known_as};
    self.plane.upsert_peer(kPeer, facts, now);
  }

  static Packet udp_packet(
      End& from, const IpAddress& to, std::uint32_t number, std::uint16_t port = kOpenPort) {
    Packet packet = from.pool.take();
    packet.resize(60);
    const MutableBytes bytes = packet.mutable_bytes();
    std::ranges::fill(bytes, std::byte{});
    bytes[0] = std::byte{0x45};
    store_be(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size()));
    bytes[8] = std::byte{64};
    bytes[9] = std::byte{17};
    copy_bytes(bytes.subspan(12, 4), from.inner.bytes());
    copy_bytes(bytes.subspan(16, 4), to.bytes());
    store_be(bytes.data() + 20, std::uint16_t{5000});
    store_be(bytes.data() + 22, port);
    store_be(bytes.data() + 24, std::uint16_t{40});
    store_le(bytes.data() + 28, number);
    return packet;
  }
  void send(End& from, std::span<Packet> batch) {
    from.plane.from_host(batch, WallTime(1767225600s), now);
    settle();
  }
  void send(End& from, const IpAddress& to, std::uint32_t number, std::uint16_t port = kOpenPort) {
    Packet packet = udp_packet(from, to, number, port);
    send(from, std::span(&packet, 1));
  }
  void settle() {
    for (bool moved = true; moved;) {
      moved = carry(a, b);
      moved |= carry(b, a);
    }
  }
  bool carry(End& from, End& to) {
    if (from.udp.empty() && from.relayed.empty()) return false;
    std::swap(udp, from.udp);
    std::swap(relayed, from.relayed);
    arrivals.clear();
    for (auto& [where, packet] : udp) {
      ++datagrams;
      if (udp_open && where == to.at) arrivals.push_back({std::move(packet), from.at});
    }
    to.plane.from_udp(arrivals, now);
    for (auto& [who, packet] : relayed) {
      ++relay_packets;
      EXPECT_EQ(who, to.key.public_key());
      if (relay_open) to.plane.from_relay(kRelay, from.key.public_key(), std::move(packet), now);
    }
    udp.clear();
    relayed.clear();
    return true;
  }
  void advance(Duration by) {
    const TimePoint end = now + by;
    for (;;) {
      const auto next = earlier(a.plane.next_deadline(), b.plane.next_deadline());
      now = next && *next < end ? std::max(*next, now) : end;
      a.plane.advance(now);
      b.plane.advance(now);
      settle();
      if (now == end) break;
    }
  }

  TimePoint now{1h};
  bool udp_open = true, relay_open = true;
  std::size_t datagrams = 0, relay_packets = 0;
  End a{1, 1}, b{2, 2};

 private:
  std::vector<std::pair<Endpoint, Packet>> udp;
  std::vector<std::pair<NodePublicKey, Packet>> relayed;
  std::vector<UdpArrival> arrivals;
};

TEST_F(DataplaneTest, PacketsCrossTheRelayWhereThereIsNoOtherWay) {
  udp_open = false;
  std::vector<Packet> batch;
  for (std::uint32_t i = 0; i < 5; ++i) batch.push_back(udp_packet(a, b.inner, i));
  send(a, batch);
  EXPECT_THAT(b.received, ElementsAre(0u, 1u, 2u, 3u, 4u));
  EXPECT_THAT(a.handshakes, ElementsAre(kPeer));
  EXPECT_EQ(a.plane.last_sent(kPeer), now);
  advance(10s);
  send(a, b.inner, 9);
  EXPECT_EQ(b.received.back(), 9u);
  EXPECT_EQ(a.plane.counters().no_path, 0u);
}

TEST_F(DataplaneTest, ADirectPathTakesOverAndTheRelayFallsSilent) {
  send(a, b.inner, 1);
  advance(2s);
  EXPECT_GT(a.path_changes, 0);
  relay_packets = 0;
  for (std::uint32_t i = 2; i < 6; ++i) send(a, b.inner, i);
  EXPECT_EQ(relay_packets, 0u);
  EXPECT_THAT(b.received, ElementsAre(1u, 2u, 3u, 4u, 5u));
}

TEST_F(DataplaneTest, WhileADirectPathIsInDoubtPacketsGoBothWaysAndArriveOnce) {
  send(a, b.inner, 1);
  advance(2s);
  udp_open = false;  // it dies
  advance(8s);       // and is trusted no longer
  const std::size_t by_relay = relay_packets, by_udp = datagrams;
  send(a, b.inner, 2);
  EXPECT_GT(relay_packets, by_relay);
  EXPECT_GT(datagrams, by_udp);
  EXPECT_EQ(b.received, (std::vector<std::uint32_t>{1, 2}));
  udp_open = true;
  send(a, b.inner, 3);
  EXPECT_EQ(std::ranges::count(b.received, 3u), 1);
}

TEST_F(DataplaneTest, TheFilterGuardsWhatComesInAndLetsAnswersThrough) {
  send(a, b.inner, 1, 81);
  EXPECT_THAT(b.received, IsEmpty());
  EXPECT_EQ(b.plane.counters().filtered_in, 1u);
  // From b's port 81 to a's 5000 nothing is open; once a has asked there, the answer is.
  send(a, b.inner, 2);
  EXPECT_THAT(b.received, ElementsAre(2u));
  Packet answer = udp_packet(b, a.inner, 3, 5000);
  store_be(answer.mutable_bytes().data() + 20, kOpenPort);
  send(b, std::span(&answer, 1));
  EXPECT_THAT(a.received, ElementsAre(3u));
}

TEST_F(DataplaneTest, WhatIsForNobodyIsCountedAndTheRestOfTheBatchGoesOn) {
  std::vector<Packet> batch;
  batch.push_back(udp_packet(a, b.inner, 1));
  batch.push_back(udp_packet(a, *IpAddress::parse("100.64.0.99"), 2));
  batch.push_back(udp_packet(a, b.inner, 3));
  Packet& odd = batch.emplace_back(a.pool.take());
  odd.resize(7);
  std::ranges::fill(odd.mutable_bytes(), std::byte{0x45});
  batch.push_back(udp_packet(a, *IpAddress::parse("224.0.0.251"), 4));
  batch.push_back(udp_packet(a, b.inner, 5));
  send(a, batch);
  EXPECT_THAT(b.received, ElementsAre(1u, 3u, 5u));
  EXPECT_EQ(a.plane.counters().no_peer, 1u);
  EXPECT_EQ(a.plane.counters().filtered_out, 2u);
}

TEST_F(DataplaneTest, APeerThatIsNowhereIsCounted) {
  PeerFacts facts;
  facts.path.node_key = NodePrivateKey::generate(a.rng).public_key();
  facts.allowed_ips = {*Prefix::parse("100.64.0.50/32")};
  a.plane.upsert_peer(PeerId{0}, facts, now);
  send(a, *IpAddress::parse("100.64.0.50"), 1);
  EXPECT_EQ(a.plane.counters().no_path, 1u);
  a.plane.remove_peer(PeerId{0});
  send(a, *IpAddress::parse("100.64.0.50"), 1);
  EXPECT_EQ(a.plane.counters().no_peer, 1u);
}

TEST_F(DataplaneTest, StunIsHandedOnAndGarbageIsSwallowed) {
  std::vector<UdpArrival> batch;
  const Endpoint from = *Endpoint::parse("198.51.100.3:3478");
  Buffer stun(20);
  stun[0] = std::byte{1};
  stun[1] = std::byte{1};
  store_be(stun.data() + 4, 0x2112a442u);
  batch.push_back({a.pool.copy_of(stun), from});
  for (std::size_t size = 0; size < 200; ++size) {
    Buffer junk(size);
    a.rng.fill(junk);
    batch.push_back({a.pool.copy_of(junk), from});
  }
  a.plane.from_udp(batch, now);
  for (std::size_t size = 0; size < 200; ++size) {
    Buffer junk(size);
    a.rng.fill(junk);
    a.plane.from_relay(kRelay, b.key.public_key(), a.pool.copy_of(junk), now);
  }
  EXPECT_THAT(a.stun, ElementsAre(from));
  EXPECT_THAT(a.received, IsEmpty());
  EXPECT_THAT(a.udp, IsEmpty());
  send(a, b.inner, 1);
  EXPECT_THAT(b.received, SizeIs(1));
}

// Both have the same address in their own networks.
class StrangersTest : public DataplaneTest {
 protected:
  StrangersTest() {
    b.inner = a.inner;
    b.plane.set_own_addresses(std::span(&b.inner, 1));
    const Prefix own = Prefix::host(b.inner);
    b.plane.packet_filter().set_local(std::span(&own, 1));
    introduce(a, b, b_is, {a_is}, true);
    introduce(b, a, a_is, {b_is});
  }
  const IpAddress a_is = *IpAddress::parse("100.99.0.1"), b_is = *IpAddress::parse("100.99.0.2");
};

TEST_F(StrangersTest, KnowEachOtherByOtherAddressesThanTheirOwn) {
  send(a, b_is, 1);
  ASSERT_THAT(b.received, ElementsAre(1u));
  EXPECT_EQ(b.last.source.address, a_is);
  EXPECT_EQ(b.last.destination.address, b.inner);
  Packet answer = udp_packet(b, a_is, 2, 5000);
  store_be(answer.mutable_bytes().data() + 20, kOpenPort);
  send(b, std::span(&answer, 1));
  ASSERT_THAT(a.received, ElementsAre(2u));
  EXPECT_EQ(a.last.source.address, b_is);
  EXPECT_EQ(a.last.destination.address, a.inner);
}

TEST_F(StrangersTest, WhoIsJailedDoesNotSpeakFirst) {
  a.plane.set_peer_api({{a.inner, 4711}});
  send(b, a_is, 1);
  EXPECT_THAT(a.received, IsEmpty()) << "though the rules let everybody in";
  EXPECT_EQ(a.plane.counters().filtered_in, 1u);
  Packet syn = udp_packet(b, a_is, 2, 4711);
  syn.mutable_bytes()[9] = std::byte{filter::kTcp};
  syn.mutable_bytes()[33] = std::byte{2};
  send(b, std::span(&syn, 1));
  EXPECT_THAT(a.received, IsEmpty()) << "nor to the peer API";
  introduce(a, b, b_is, {a_is}, false);
  send(b, a_is, 3);
  EXPECT_THAT(a.received, ElementsAre(3u));
}

// Whoever is called by an alias pays for it with no allocation either.
TEST_F(StrangersTest, SteadyTrafficAllocatesNothing) {
  std::vector<Packet> batch;
  batch.reserve(32);
  const auto burst = [&] {
    batch.clear();
    for (std::uint32_t i = 0; i < 32; ++i) batch.push_back(udp_packet(a, b_is, i));
    send(a, batch);
  };
  for (int i = 0; i < 4; ++i) {  // sessions, paths and vectors grow
    burst();
    advance(1s);
  }
  for (int i = 0; i < 4; ++i) burst();
  b.received.clear();
  const std::size_t before = test::allocations();
  for (int i = 0; i < 20; ++i) burst();
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(b.received.size(), 640u);
}

TEST_F(DataplaneTest, SteadyTrafficAllocatesNothing) {
  std::vector<Packet> batch;
  batch.reserve(32);
  const auto burst = [&](End& from, const End& to) {
    batch.clear();
    for (std::uint32_t i = 0; i < 32; ++i) batch.push_back(udp_packet(from, to.inner, i));
    send(from, batch);
  };
  for (int i = 0; i < 4; ++i) {  // sessions, paths and vectors grow
    burst(a, b);
    burst(b, a);
    advance(1s);
  }
  b.received.clear();
  const std::size_t before = test::allocations();
  for (int i = 0; i < 20; ++i) {
    burst(a, b);
    burst(b, a);
  }
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(b.received.size(), 640u);
}

class FlowCounting : public DataplaneTest {
 protected:
  FlowCounting() {
    a.plane.set_flow_counter(&at_a);
    b.plane.set_flow_counter(&at_b);
  }
  // b routes for these, and for the Internet.
  void route_by_b(const char* subnet) {
    PeerFacts facts;
    facts.path = {b.key.public_key(), b.disco.public_key(), {b.at}, kRelay, 142};
    facts.addresses = {b.inner};
    facts.subnets = {*Prefix::parse(subnet)};
    facts.allowed_ips = {Prefix::host(b.inner), facts.subnets[0], *Prefix::parse("0.0.0.0/0")};
    a.plane.upsert_peer(kPeer, facts, now);
    b.plane.set_own_subnets(facts.subnets);
    const Prefix everything = *Prefix::parse("0.0.0.0/0");
    b.plane.packet_filter().set_local(std::span(&everything, 1));
  }
  static control::FlowWindow take(flow_logs::FlowCounter& counter) {
    return counter.close(WallTime{}, WallTime{} + 5s).value_or(control::FlowWindow{});
  }

  flow_logs::FlowCounter at_a, at_b;
};

TEST_F(FlowCounting, BothEndsCountWhatPasses) {
  const IpAddress others[] = {a.inner, b.inner};
  send(a, b.inner, 1);
  send(a, b.inner, 2);
  send(a, b.inner, 3, 81);  // the filter of b refuses it
  const control::FlowWindow sent = take(at_a), received = take(at_b);
  const Endpoint here{others[0], 5000}, open{others[1], kOpenPort}, closed{others[1], 81};
  EXPECT_THAT(
      sent.mesh, ElementsAre(
                     control::FlowTraffic{17, here, open, {2, 120, 0, 0}},
                     control::FlowTraffic{17, here, closed, {1, 60, 0, 0}}));
  EXPECT_THAT(received.mesh, ElementsAre(control::FlowTraffic{17, open, here, {0, 0, 2, 120}}));
  ASSERT_THAT(sent.outer, testing::Not(IsEmpty()));
  EXPECT_EQ(sent.outer[0].source, (Endpoint{b.inner, 0}));
  std::uint64_t out = 0, in = 0;
  for (const auto& row : sent.outer) out += row.count.sent_bytes;
  for (const auto& row : received.outer) in += row.count.received_bytes;
  EXPECT_GT(out, 180u);
  EXPECT_GT(in, 120u);
}

TEST_F(FlowCounting, SubnetsAndTheInternetStandApart) {
  route_by_b("10.77.0.0/24");
  send(a, *IpAddress::parse("10.77.0.5"), 1);
  send(a, *IpAddress::parse("192.0.2.80"), 2);
  send(a, *IpAddress::parse("100.100.7.7"), 3);  // an address of the mesh, as services have
  ASSERT_THAT(b.received, ElementsAre(1u, 2u, 3u));
  const control::FlowWindow windows[] = {take(at_a), take(at_b)};
  for (const control::FlowWindow& window : windows) {
    ASSERT_THAT(window.subnet, SizeIs(1));
    EXPECT_THAT(window.internet, SizeIs(1));
    EXPECT_FALSE(window.internet[0].source || window.internet[0].destination);
  }
  EXPECT_EQ(windows[0].subnet[0].destination, Endpoint::parse("10.77.0.5:80"));
  EXPECT_EQ(windows[1].subnet[0].source, Endpoint::parse("10.77.0.5:80"));
  EXPECT_THAT(windows[0].mesh, SizeIs(1));
}

TEST_F(FlowCounting, AllocatesNothing) {
  std::vector<Packet> batch;
  batch.reserve(32);
  const auto burst = [&](std::uint16_t port) {
    batch.clear();
    for (std::uint32_t i = 0; i < 32; ++i) {
      batch.push_back(udp_packet(a, b.inner, i, static_cast<std::uint16_t>(port + i % 4)));
    }
    send(a, batch);
  };
  for (int i = 0; i < 4; ++i) {  // sessions, paths and vectors grow
    burst(kOpenPort);
    advance(1s);
  }
  for (int i = 0; i < 4; ++i) burst(kOpenPort);
  b.received.clear();
  const std::size_t before = test::allocations();
  for (std::uint16_t i = 0; i < 20; ++i) burst(static_cast<std::uint16_t>(1000 * i));
  EXPECT_EQ(test::allocations(), before);
  EXPECT_GT(take(at_a).mesh.size(), 70u) << "new flows all the time";
}

}  // namespace
}  // namespace aya::dataplane
