// A node reduced to its path engine, a UDP socket, a relay connection and a STUN client, on the
// virtual network. Its "WireGuard packets" carry the sender's number and a counter.
#pragma once

#include <gtest/gtest.h>

#include "daemon/path/path_engine.h"
#include "proto/base/endian.h"
#include "proto/stun/binding.h"
#include "proto/stun/classify.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/virtual_network.h"

namespace aya::path {

struct PathNode {
  using Network = test::VirtualNetwork;
  static constexpr RegionId kRegion = 1;
  static constexpr std::uint16_t kPort = 41641;
  static inline const Endpoint kStun = *Endpoint::parse("203.0.113.1:3478");

  PathNode(
      Network& network, std::uint32_t number, std::string_view address,
      std::optional<Network::NatId> behind, Duration latency = 10ms,
      PathEngine::Options options = {})
      : net(network),
        rng(number),
        id{number},
        node_key(NodePrivateKey::generate(rng).public_key()),
        disco(DiscoPrivateKey::generate(rng)),
        engine(std::make_unique<PathEngine>(disco, node_key, rng, options)),
        host(net.add_host(
            *IpAddress::parse(address), behind,
            [this](const Endpoint& from, std::uint16_t, Bytes bytes) { on_datagram(from, bytes); },
            latency)) {
    join_relay();
    ask_stun();
    net.advance(200ms);
    fx.wants_restun = false;
  }

  void join_relay() {
    net.join_relay(kRegion, node_key, host, [this](auto region, const auto& from, Bytes bytes) {
      on_relayed(region, from, bytes);
    });
  }

  // What control would say about `other`; endpoints only if it had told control any.
  PeerPath facts_of(const PathNode& other, bool with_endpoints = true) const {
    return {
        other.node_key, other.engine->disco_key(),
        with_endpoints ? other.own : std::vector<Endpoint>{}, kRegion, 140};
  }
  void meet(PathNode& other, bool with_endpoints = true) {
    peers[other.id] = &other;
    engine->upsert_peer(other.id, facts_of(other, with_endpoints), net.now(), fx);
    carry_out();
  }

  // One packet of user traffic.
  void say(const PathNode& to) {
    engine->note_traffic(to.id, net.now(), fx);
    Buffer packet(32, std::byte{0});
    packet[0] = std::byte{4};
    store_le(packet.data() + 4, id.value);
    store_le(packet.data() + 8, ++said);
    const Route route = engine->route(to.id, net.now());
    transmit(route.primary, to.node_key, packet);
    if (route.also) transmit(*route.also, to.node_key, packet);
    carry_out();
  }

  void transmit(const PathAddress& to, const NodePublicKey& peer, Bytes bytes) {
    if (to.is_relay()) {
      ++relayed;
      net.relay_send(to.relay, node_key, peer, bytes);
    } else if (!to.is_none()) {
      net.send({host, kPort}, to.udp, bytes);
    }
  }

  void on_datagram(const Endpoint& from, Bytes bytes) {
    switch (stun::classify(bytes).kind) {
      case stun::DatagramKind::Stun:
        return on_stun(bytes);
      case stun::DatagramKind::Disco:
        if (deaf) return;
        engine->on_disco(bytes, PathAddress::direct(from), std::nullopt, net.now(), fx);
        return carry_out();
      case stun::DatagramKind::WireGuard:
        return on_packet(PathAddress::direct(from), bytes);
    }
  }

  void on_relayed(RegionId region, const NodePublicKey& from, Bytes bytes) {
    if (stun::classify(bytes).kind == stun::DatagramKind::Disco) {
      if (deaf) return;
      engine->on_disco(bytes, PathAddress::relayed(region), from, net.now(), fx);
      return carry_out();
    }
    on_packet(PathAddress::relayed(region), bytes);
  }

  void on_packet(const PathAddress& from, Bytes bytes) {
    ASSERT_GE(bytes.size(), 16u);
    const PeerId peer{load_le<std::uint32_t>(bytes.data() + 4)};
    heard[peer].insert(load_le<std::uint64_t>(bytes.data() + 8));
    engine->on_wireguard_heard(peer, from, net.now(), fx);
    carry_out();
  }

  void ask_stun() {
    ++stun_asked;
    net.send({host, kPort}, kStun, stun::make_request(rng.array<12>()));
  }
  void on_stun(Bytes bytes) {
    const auto response = stun::parse_response(bytes);
    ASSERT_TRUE(response);
    own = {response->mapped};
    const Endpoint local{net.address_of(host), kPort};
    if (local != response->mapped) own.push_back(local);
    engine->set_own_endpoints(own, net.now(), fx);
    carry_out();
  }

  void carry_out() {
    for (const DiscoSend& send : fx.sends) {
      ++disco_sent;
      transmit(send.to, send.peer, send.datagram);
      if (send.to.is_relay()) --relayed;
    }
    for (const PathChange& change : fx.changes) {
      changes.push_back(change);
      if (!change.to.is_relay() && !direct_at.contains(change.peer)) {
        direct_at[change.peer] = net.now();
      }
    }
    for (const PingDone& done : fx.pings_done) pings_done.push_back(done);
    const bool restun = fx.wants_restun;
    fx.clear();
    if (restun) ask_stun();
    arm();
  }

  // One wake-up per new deadline; superseded ones find nothing due.
  void arm() {
    const auto next = engine->next_deadline();
    if (!next || (armed && *armed <= *next && *armed > net.now())) return;
    armed = std::max(*next, net.now());
    net.at(*armed, [this, when = *armed] {
      if (armed != when) return;
      armed.reset();
      engine->advance(net.now(), fx);
      carry_out();
    });
  }

  bool is_direct(const PathNode& to) const {
    const auto status = engine->status(to.id, net.now());
    return status && status->trusted;
  }
  Endpoint direct_endpoint(const PathNode& to) const {
    return engine->status(to.id, net.now())->direct.value_or(Endpoint{});
  }

  Network& net;
  test::SeededRng rng;
  PeerId id;
  NodePublicKey node_key;
  DiscoPrivateKey disco;
  std::unique_ptr<PathEngine> engine;
  Network::HostId host;
  std::map<PeerId, PathNode*> peers;

  Effects fx;
  std::optional<TimePoint> armed;
  std::vector<Endpoint> own;
  std::map<PeerId, std::set<std::uint64_t>> heard;
  std::map<PeerId, TimePoint> direct_at;  // first became direct
  std::vector<PathChange> changes;
  std::vector<PingDone> pings_done;
  std::uint64_t said = 0, relayed = 0, disco_sent = 0, stun_asked = 0;
  bool deaf = false;  // loses all DISCO that arrives
};

// The internet of these tests: one STUN server, one relay.
struct TestInternet : test::VirtualNetwork {
  explicit TestInternet(std::uint64_t seed = 1) : VirtualNetwork(seed) {
    add_stun_server(PathNode::kStun);
    add_relay(PathNode::kRegion);
  }
};

// Two acquainted nodes, each behind a router of its own (nullopt: on the internet).
struct TwoNodes {
  using Kind = std::optional<test::NatKind>;

  explicit TwoNodes(
      Kind kind_a = test::NatKind::port_restricted(),
      Kind kind_b = test::NatKind::port_restricted(), PathEngine::Options options = {})
      : nat_a(router("198.51.100.1", kind_a)),
        nat_b(router("198.51.100.2", kind_b)),
        a(net, 1, nat_a ? "192.168.1.2" : "198.51.100.11", nat_a, 10ms, options),
        b(net, 2, nat_b ? "192.168.2.2" : "198.51.100.12", nat_b, 10ms, options) {
    a.meet(b);
    b.meet(a);
  }

  std::optional<test::VirtualNetwork::NatId> router(std::string_view outside, Kind kind) {
    if (!kind) return std::nullopt;
    return net.add_nat(*IpAddress::parse(outside), *kind);
  }

  // User traffic, `every` so often, answered by the other side if `both`.
  void talk(Duration how_long, Duration every = 20ms, bool both = true) {
    for (Duration t{}; t < how_long; t += every) {
      a.say(b);
      if (both) b.say(a);
      net.advance(every);
    }
  }
  void expect_nothing_lost(Duration settle = 1s) {
    net.advance(settle);
    EXPECT_EQ(b.heard[a.id].size(), a.said);
    EXPECT_EQ(a.heard[b.id].size(), b.said);
  }

  TestInternet net;
  std::optional<test::VirtualNetwork::NatId> nat_a, nat_b;
  PathNode a, b;
};

}  // namespace aya::path
