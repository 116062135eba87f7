#include "tests/sim/sim_node.h"

namespace aya::sim {
namespace {

using test::NatKind;
using test::VirtualNetwork;

// Machines behind routers of their own; all know each other.
struct Home {
  explicit Home(std::vector<NatKind> kinds, std::uint64_t seed = 1) : net(seed) {
    net.add_stun_server(SimNode::kStun);
    net.add_relay(SimNode::kRegion);
    for (std::uint32_t i = 0; i < kinds.size(); ++i) {
      const auto outside = IpAddress::v4(0xc6336401u + i);  // 198.51.100.1 and up
      nats.push_back(net.add_nat(outside, kinds[i]));
      const std::string inside = "192.168." + std::to_string(i + 1) + ".2";
      nodes.push_back(std::make_unique<SimNode>(net, i + 1, inside, nats.back()));
    }
    for (auto& a : nodes) {
      for (auto& b : nodes) {
        if (a != b) a->meet(*b);
      }
    }
  }

  SimNode& node(std::size_t i) { return *nodes[i]; }

  // Everybody talks to everybody.
  void talk(Duration how_long, Duration every = 20ms) {
    for (Duration t{}; t < how_long; t += every) {
      for (auto& a : nodes) {
        for (auto& b : nodes) {
          if (a != b) a->say(*b);
        }
      }
      net.advance(every);
    }
  }

  double delivered(
      std::size_t from, std::size_t to, std::uint64_t said_before = 0,
      std::size_t heard_before = 0) {
    const double said =
        static_cast<double>(node(from).said - said_before) / static_cast<double>(nodes.size() - 1);
    return static_cast<double>(node(to).heard_from(node(from)) - heard_before) / said;
  }

  VirtualNetwork net;
  std::vector<VirtualNetwork::NatId> nats;
  std::vector<std::unique_ptr<SimNode>> nodes;
};

TEST(Mesh, TwoBehindNatsBecomeDirectAndLoseNothing) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()});
  home.talk(3s);
  home.net.advance(1s);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
  EXPECT_TRUE(home.node(1).direct_to(home.node(0)));
  EXPECT_DOUBLE_EQ(home.delivered(0, 1), 1.0);
  EXPECT_DOUBLE_EQ(home.delivered(1, 0), 1.0);
}

TEST(Mesh, ThirdWithoutUdpIsReachedThroughTheRelay) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted(), NatKind::port_restricted()});
  home.net.block_udp(home.node(2).host, true);
  home.talk(4s);
  home.net.advance(1s);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
  EXPECT_FALSE(home.node(0).direct_to(home.node(2)));
  EXPECT_DOUBLE_EQ(home.delivered(0, 2), 1.0);
  EXPECT_DOUBLE_EQ(home.delivered(2, 1), 1.0);
}

TEST(Mesh, HardNatsTalkThroughTheRelay) {
  Home home({NatKind::hard(), NatKind::hard()});
  home.talk(4s);
  home.net.advance(1s);
  EXPECT_FALSE(home.node(0).direct_to(home.node(1)));
  EXPECT_DOUBLE_EQ(home.delivered(0, 1), 1.0);
}

TEST(Mesh, LossAndReorderingCostOnlyWhatIsLost) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()}, 7);
  home.net.set_weather({.loss = 0.05, .spread = 60ms});
  home.talk(60s);
  home.net.advance(2s);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
  EXPECT_GT(home.delivered(0, 1), 0.90);
  EXPECT_GT(home.delivered(1, 0), 0.90);
}

TEST(Mesh, ARouterThatForgetsIsCrossedAgain) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()});
  home.talk(3s);
  ASSERT_TRUE(home.node(0).direct_to(home.node(1)));
  home.net.restart_nat(home.nats[0], *IpAddress::parse("198.51.100.77"));
  home.talk(20s);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
  home.net.advance(1s);  // nothing in flight
  const auto said = home.node(0).said;
  const auto heard = home.node(1).heard_from(home.node(0));
  home.talk(3s);
  home.net.advance(1s);
  EXPECT_DOUBLE_EQ(home.delivered(0, 1, said, heard), 1.0);
}

TEST(Mesh, ARelayRestartDoesNotTouchDirectPaths) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()});
  home.talk(3s);
  home.net.advance(1s);  // nothing in flight
  const auto said = home.node(0).said;
  const auto heard = home.node(1).heard_from(home.node(0));
  home.net.set_relay_up(SimNode::kRegion, false);
  home.talk(10s);
  home.net.advance(1s);
  EXPECT_DOUBLE_EQ(home.delivered(0, 1, said, heard), 1.0);
  home.net.set_relay_up(SimNode::kRegion, true);
  for (auto& node : home.nodes) node->join_relay();
  home.talk(3s);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
}

TEST(Mesh, ADeadDirectPathFallsBackToTheRelayAndReturns) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()});
  home.talk(3s);
  ASSERT_TRUE(home.node(0).direct_to(home.node(1)));
  home.net.cut(home.node(0).host, home.node(1).host);
  home.talk(10s);
  EXPECT_FALSE(home.node(0).direct_to(home.node(1)));
  home.net.advance(1s);  // nothing in flight
  const auto said = home.node(0).said;
  const auto heard = home.node(1).heard_from(home.node(0));
  home.talk(2s);
  home.net.advance(1s);
  EXPECT_DOUBLE_EQ(home.delivered(0, 1, said, heard), 1.0) << "through the relay";
  home.net.mend(home.node(0).host, home.node(1).host);
  home.talk(90s, 100ms);
  EXPECT_TRUE(home.node(0).direct_to(home.node(1)));
}

TEST(Mesh, KeysAreRenewedWhileTrafficFlows) {
  Home home({NatKind::port_restricted(), NatKind::port_restricted()});
  home.talk(400s, 200ms);
  home.net.advance(1s);
  EXPECT_GE(home.node(0).handshakes, 3u);
  EXPECT_DOUBLE_EQ(home.delivered(0, 1), 1.0);
  EXPECT_DOUBLE_EQ(home.delivered(1, 0), 1.0);
}

}  // namespace
}  // namespace aya::sim
