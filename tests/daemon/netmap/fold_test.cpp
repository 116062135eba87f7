#include "daemon/netmap/fold.h"

#include <gtest/gtest.h>

#include <random>

#include "daemon/netmap/expiry.h"

namespace aya::netmap {
namespace {

using control::MapResponse;
using control::Node;
using control::PeerChange;

const WallTime kNow = *parse_rfc3339("2026-05-01T12:00:00Z");

template <class Key>
Key key_of(unsigned seed) {
  std::array<std::byte, 32> raw{};
  raw[0] = static_cast<std::byte>(seed);
  raw[1] = static_cast<std::byte>(seed >> 8);
  raw[31] = std::byte{1};
  return Key(raw);
}

Node node(std::int64_t id) {
  const auto seed = static_cast<unsigned>(id);
  Node n;
  n.id = NodeId{id};
  n.stable_id = "n" + std::to_string(id);
  n.name = "host" + std::to_string(id) + ".net.example.";
  n.user = UserId{1};
  n.key = key_of<NodePublicKey>(seed);
  n.disco_key = key_of<DiscoPublicKey>(seed);
  n.addresses = {Prefix::host(IpAddress::v4(0x64400000u + seed))};
  n.allowed_ips = n.addresses;
  n.online = true;
  n.last_seen = kNow - 1h;
  return n;
}

MapResponse first(std::initializer_list<std::int64_t> peers) {
  MapResponse m;
  m.node = node(1);
  for (const auto id : peers) m.peers.push_back(node(id));
  return m;
}

TEST(Fold, FirstDeltaNamesEveryPeerAsAdded) {
  State state;
  const FoldResult result = fold(state, first({3, 2}), kNow);
  ASSERT_EQ(result.delta.peers.size(), 2u);
  EXPECT_EQ(result.delta.peers[0].id, NodeId{2});
  EXPECT_EQ(result.delta.peers[0].kind, PeerDelta::Kind::Added);
  EXPECT_TRUE(result.delta.self);
  EXPECT_FALSE(result.delta.dns);
}

TEST(Fold, DeltaOfAPatchNamesTheOnePeerAndTheOnePart) {
  State state;
  fold(state, first({2, 3}), kNow);
  MapResponse m;
  PeerChange change;
  change.node_id = NodeId{3};
  change.derp_region = 900;
  m.peers_changed_patch.push_back(change);
  const FoldResult result = fold(state, std::move(m), kNow);
  PeerDelta expected;
  expected.id = NodeId{3};
  expected.home = true;
  EXPECT_EQ(result.delta.peers, std::vector{expected});
}

TEST(Fold, NobodyIsAPeerOfItself) {
  State state;
  const FoldResult began = fold(state, first({1, 2, 3}), kNow);
  EXPECT_EQ(began.delta.peers.size(), 2u);
  MapResponse renumbered;
  renumbered.node = node(3);
  const FoldResult result = fold(state, std::move(renumbered), kNow);
  ASSERT_EQ(result.delta.peers.size(), 1u);
  EXPECT_EQ(result.delta.peers[0].kind, PeerDelta::Kind::Removed);
  EXPECT_FALSE(state.netmap.peers.contains(NodeId{3}));
}

TEST(Fold, WhatChangesNothingGivesAnEmptyDelta) {
  State state;
  fold(state, first({2, 3}), kNow);
  MapResponse m = first({2, 3});
  EXPECT_TRUE(fold(state, std::move(m), kNow).delta.empty());
}

TEST(Fold, ANewPollKeepsTheOldNetmapUntilItsFirstMessageAndIsComparedWithIt) {
  State state;
  fold(state, first({2, 3}), kNow);
  state.begin_poll();
  MapResponse keepalive;
  keepalive.keep_alive = true;
  fold(state, keepalive, kNow);
  EXPECT_EQ(state.netmap.peers.size(), 2u);
  const FoldResult result = fold(state, first({2, 4}), kNow);
  ASSERT_EQ(result.delta.peers.size(), 2u);
  EXPECT_EQ(result.delta.peers[0].kind, PeerDelta::Kind::Removed);
  EXPECT_EQ(result.delta.peers[1].kind, PeerDelta::Kind::Added);
  EXPECT_FALSE(result.delta.self);
}

TEST(Fold, ANewPollWithoutPeersEmptiesTheNetmap) {
  State state;
  fold(state, first({2, 3}), kNow);
  state.begin_poll();
  fold(state, first({}), kNow);
  EXPECT_TRUE(state.netmap.peers.empty());
}

TEST(Fold, ExplicitZeroExpiryInAPatchMeansNever) {
  State state;
  MapResponse start = first({2});
  start.peers[0].key_expiry = kNow + 1h;
  fold(state, std::move(start), kNow);
  auto patch = control::decode<MapResponse>(
      R"({"PeersChangedPatch":[{"NodeID":2,"KeyExpiry":"0001-01-01T00:00:00Z"}]})");
  ASSERT_TRUE(patch);
  fold(state, std::move(*patch), kNow);
  EXPECT_EQ(state.netmap.peers.at(NodeId{2}).key_expiry, std::nullopt);
}

TEST(Expiry, PeersAreJudgedByTheServersClockAndSelfByOurs) {
  State state;
  MapResponse start = first({2});
  start.node->key_expiry = kNow + 30min;
  start.peers[0].key_expiry = kNow + 30min;
  start.control_time = kNow + 1h;
  fold(state, std::move(start), kNow);
  EXPECT_TRUE(peer_is_expired(state.netmap.peers.at(NodeId{2}), state, kNow));
  EXPECT_FALSE(self_is_expired(state, kNow));
  EXPECT_EQ(next_expiry(state, kNow), kNow + 30min);
  EXPECT_TRUE(self_is_expired(state, kNow + 30min));
  EXPECT_EQ(next_expiry(state, kNow + 30min), std::nullopt);
}

// A server's view that wanders at random, told once by deltas and once whole.
class RandomServer {
 public:
  explicit RandomServer(unsigned seed) : random_(seed) {
    for (std::int64_t id = 2; id < 12; ++id) peers_[NodeId{id}] = node(id);
  }

  MapResponse whole() const {
    MapResponse m;
    m.node = node(1);
    for (const auto& [id, peer] : peers_) m.peers.push_back(peer);
    m.packet_filters = {filters_.begin(), filters_.end()};
    m.domain = "net.example";
    return m;
  }

  MapResponse step() {
    MapResponse m;
    const NodeId id{2 + static_cast<std::int64_t>(random_() % 20)};
    const bool known = peers_.contains(id);
    switch (random_() % 6) {
      case 0: {
        // A new name, so that it is not reduced to a patch, which cannot clear fields.
        Node next = node(id.value);
        next.name = "r" + std::to_string(random_()) + ".net.example.";
        peers_[id] = next;
        m.peers_changed.push_back(next);
        break;
      }
      case 1:
        if (peers_.size() > 1) {
          m.peers_removed.push_back(id);
          peers_.erase(id);
        }
        break;
      case 2: {
        const bool online = random_() % 2 == 0;
        m.online_change[id] = online;
        if (known) peers_[id].online = online;
        break;
      }
      case 3:
        patch(id, m);
        break;
      case 4: {
        control::FilterRules rules(1);
        rules[0].src_ips = {std::to_string(random_() % 200) + ".0.0.0/8"};
        filters_["f" + std::to_string(random_() % 3)] = rules;
        m.packet_filters = {filters_.begin(), filters_.end()};
        break;
      }
      default:
        m.keep_alive = true;
    }
    return m;
  }

 private:
  void patch(NodeId id, MapResponse& m) {
    PeerChange change;
    change.node_id = id;
    change.derp_region = static_cast<RegionId>(900 + random_() % 5);
    change.endpoints.emplace();
    if (random_() % 2 == 0) {
      change.endpoints->push_back(
          *Endpoint::parse("192.0.2." + std::to_string(random_() % 250) + ":1"));
    }
    m.peers_changed_patch.push_back(change);
    if (!peers_.contains(id)) return;
    peers_[id].home_derp = change.derp_region;
    peers_[id].endpoints = *change.endpoints;
  }

  std::mt19937 random_;
  std::map<NodeId, Node> peers_;
  std::map<std::string, control::FilterRules> filters_;
};

TEST(FoldProperty, DeltasEndWhereTheWholePictureStarts) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    RandomServer server(seed);
    State by_deltas;
    fold(by_deltas, server.whole(), kNow);
    for (int i = 0; i < 60; ++i) {
      const Netmap before = by_deltas.netmap;
      const FoldResult result = fold(by_deltas, server.step(), kNow);
      ASSERT_EQ(result.delta, difference(before, by_deltas.netmap));
      State whole;
      fold(whole, server.whole(), kNow);
      ASSERT_EQ(whole.netmap, by_deltas.netmap) << "seed " << seed << " step " << i;
    }
  }
}

}  // namespace
}  // namespace aya::netmap
