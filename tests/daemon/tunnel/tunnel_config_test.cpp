#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/tunnel/peer.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::TunnelPair;
using testing::ElementsAre;

std::vector<Prefix> prefixes(std::initializer_list<const char*> texts) {
  std::vector<Prefix> out;
  for (const char* text : texts) out.push_back(*Prefix::parse(text));
  return out;
}

class TunnelConfig : public testing::Test {
 protected:
  NodePublicKey new_key() { return NodePrivateKey::generate(rng).public_key(); }

  test::SeededRng rng{3};
  PacketPool pool;
  Tunnel tunnel{
      NodePrivateKey::generate(rng), rng, pool, {.wall_clock = [] { return WallTime{}; }}};
};

TEST_F(TunnelConfig, FindsPeersByKeyAndByLongestPrefix) {
  const NodePublicKey first = new_key(), second = new_key();
  EXPECT_TRUE(tunnel.upsert_peer(PeerId{1}, {first, {}, {}}));
  EXPECT_TRUE(tunnel.upsert_peer(PeerId{2}, {second, {}, {}}));
  tunnel.set_allowed_ips(PeerId{1}, prefixes({"0.0.0.0/0", "fd00::/8"}));
  tunnel.set_allowed_ips(PeerId{2}, prefixes({"10.1.0.0/16", "10.2.3.4/32"}));
  EXPECT_EQ(tunnel.find(second), PeerId{2});
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.1.9.9")), PeerId{2});
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.2.3.4")), PeerId{2});
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.2.3.5")), PeerId{1});
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("fd00::1")), PeerId{1});
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("2001:db8::1")), std::nullopt);
}

TEST_F(TunnelConfig, APrefixMovesToTheLastPeerGivenIt) {
  tunnel.upsert_peer(PeerId{1}, {new_key(), {}, {}});
  tunnel.upsert_peer(PeerId{2}, {new_key(), {}, {}});
  tunnel.set_allowed_ips(PeerId{1}, prefixes({"10.0.0.0/8", "10.0.0.1/32"}));
  tunnel.add_allowed_ip(PeerId{2}, *Prefix::parse("10.0.0.1/32"));
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.0.0.1")), PeerId{2});
  EXPECT_THAT(tunnel.allowed_ips(PeerId{1}), ElementsAre(*Prefix::parse("10.0.0.0/8")));
  tunnel.set_allowed_ips(PeerId{1}, {});  // takes nothing away from the new owner
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.0.0.1")), PeerId{2});
  tunnel.remove_allowed_ip(PeerId{1}, *Prefix::parse("10.0.0.1/32"));  // is not its own
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.0.0.1")), PeerId{2});
  tunnel.remove_allowed_ip(PeerId{2}, *Prefix::parse("10.0.0.1/32"));
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.0.0.1")), std::nullopt);
}

TEST_F(TunnelConfig, RefusesOneKeyUnderTwoNumbers) {
  const NodePublicKey key = new_key();
  EXPECT_TRUE(tunnel.upsert_peer(PeerId{1}, {key, {}, {}}));
  EXPECT_FALSE(tunnel.upsert_peer(PeerId{2}, {key, {}, {}}));
  EXPECT_EQ(tunnel.stats(PeerId{2}), std::nullopt);
}

TEST_F(TunnelConfig, AnotherKeyUnderANumberIsAnotherPeer) {
  const NodePublicKey old_key = new_key(), new_one = new_key();
  tunnel.upsert_peer(PeerId{1}, {old_key, {}, {}});
  tunnel.set_allowed_ips(PeerId{1}, prefixes({"10.0.0.1/32"}));
  tunnel.upsert_peer(PeerId{1}, {new_one, {}, {}});
  EXPECT_EQ(tunnel.find(old_key), std::nullopt);
  EXPECT_EQ(tunnel.find(new_one), PeerId{1});
  EXPECT_TRUE(tunnel.allowed_ips(PeerId{1}).empty());
}

TEST_F(TunnelConfig, KnowsNothingOfAPeerThatWasRemoved) {
  const NodePublicKey key = new_key();
  tunnel.upsert_peer(PeerId{1}, {key, {}, 25s});
  tunnel.set_allowed_ips(PeerId{1}, prefixes({"10.0.0.1/32"}));
  Effects effects;
  Packet packet = TunnelPair::numbered(pool, TunnelPair::inner_address(1), 1);
  tunnel.seal(PeerId{1}, std::span(&packet, 1), TimePoint{1s}, effects);
  tunnel.remove_peer(PeerId{1});
  EXPECT_EQ(tunnel.find(key), std::nullopt);
  EXPECT_EQ(tunnel.peer_for(*IpAddress::parse("10.0.0.1")), std::nullopt);
  EXPECT_EQ(tunnel.next_deadline(), std::nullopt);
  Packet late = TunnelPair::numbered(pool, TunnelPair::inner_address(1), 2);
  tunnel.seal(PeerId{1}, std::span(&late, 1), TimePoint{2s}, effects);
  EXPECT_EQ(tunnel.counters()[Drop::UnknownPeer], 1u);
}

TEST_F(TunnelConfig, CalculatesNothingForAPeerThatOnlyExists) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    NodePublicKey key{std::span<const std::byte, 32>(rng.array<32>())};
    tunnel.upsert_peer(PeerId{i}, {key, {}, {}});
  }
  EXPECT_EQ(tunnel.next_deadline(), std::nullopt);
  EXPECT_LE(sizeof(Peer), 768u);  // what an idle peer costs; no session, no handshake
}

TEST(TunnelReconfigured, ANewPresharedKeyLeavesTheSessionAlone) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  auto config = *net.a.tunnel.config(TunnelPair::kPeer);
  config.preshared_key.mutable_bytes()[5] = std::byte{9};
  net.a.tunnel.upsert_peer(TunnelPair::kPeer, config);
  net.send(net.a, 2);
  net.send(net.b, 3);
  net.advance(1s);
  EXPECT_TRUE(net.b.received.contains(2));
  EXPECT_TRUE(net.a.received.contains(3));
  EXPECT_EQ(net.a.handshakes, 1u);
}

TEST(TunnelReconfigured, ANewPrivateKeyShakesHandsAnewAtOnce) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  const NodePrivateKey fresh = NodePrivateKey::generate(net.a.rng);
  net.a.tunnel.set_private_key(fresh);
  EXPECT_EQ(net.a.tunnel.public_key(), fresh.public_key());
  net.send(net.b, 7);  // what is under way under the old key still arrives
  net.advance(1s);
  EXPECT_TRUE(net.a.received.contains(7));
  net.b.tunnel.upsert_peer(TunnelPair::kPeer, {fresh.public_key(), {}, {}});
  const Prefix inner = Prefix::host(net.a.inner);
  net.b.tunnel.set_allowed_ips(TunnelPair::kPeer, std::span(&inner, 1));
  net.send(net.a, 2);
  net.advance(1s);
  EXPECT_TRUE(net.b.received.contains(2));
}

TEST(TunnelReconfigured, WithoutAPrivateKeyItSaysNothing) {
  TunnelPair net;
  net.a.tunnel.set_private_key(NodePrivateKey{});
  int sent = 0;
  net.on_wire = [&](const TunnelPair::End& from, Bytes) { return sent += &from == &net.a, true; };
  net.send(net.a, 1);
  net.send(net.b, 1);
  net.advance(30s);
  EXPECT_EQ(sent, 0);
}

TEST(TunnelReconfigured, AClockThatStepsBackDoesNotLockItOut) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  net.wall_step = -24h;
  net.peer_restarted(net.a);
  net.send(net.a, 2);
  net.advance(1s);
  EXPECT_TRUE(net.b.received.contains(2));
  EXPECT_EQ(net.b.tunnel.counters()[Drop::ReplayedHandshake], 0u);
}

TEST(TunnelReconfigured, HandshakesAreDatedAfterTheLastOneBeforeARestart) {
  test::SeededRng rng(8);
  PacketPool pool;
  const WallTime before = WallTime(2000000000s);
  Tunnel tunnel(
      NodePrivateKey::generate(rng), rng, pool,
      {.wall_clock = [] { return WallTime(1000000000s); }, .timestamps_after = before});
  tunnel.upsert_peer(TunnelPair::kPeer, {NodePrivateKey::generate(rng).public_key(), {}, {}});
  Effects effects;
  Packet packet = TunnelPair::numbered(pool, TunnelPair::inner_address(1), 1);
  tunnel.seal(TunnelPair::kPeer, std::span(&packet, 1), TimePoint{1s}, effects);
  EXPECT_GT(tunnel.last_timestamp(), before);
}

}  // namespace
}  // namespace aya::tunnel
