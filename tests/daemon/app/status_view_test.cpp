// The node as people see it.
#include "daemon/app/status_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StatusView : public testing::Test {
 protected:
  StatusView() {
    map.domain = "mesh.test";
    map.self.id = netmap::NodeId{1};
    map.self.user = control::UserId{7};
    map.self.key = NodePrivateKey::generate(rng).public_key();
    map.self.name = "alpha.mesh.test.";
    map.self.addresses = {*Prefix::parse("100.64.0.1/32")};
    auto& peer = map.peers[netmap::NodeId{2}];
    peer.id = netmap::NodeId{2};
    peer.user = control::UserId{8};
    peer.key = NodePrivateKey::generate(rng).public_key();
    peer.name = "beta.mesh.test.";
    peer.addresses = {*Prefix::parse("fd7a::2/128"), *Prefix::parse("100.64.0.2/32")};
    peer.home_derp = 9;
    peer.hostinfo.emplace().hostname = "リビングの箱";
    peer.hostinfo->services = {{"peerapi4", 4000, ""}, {"peerapi6", 6000, ""}};
    map.user_profiles[control::UserId{7}] = {control::UserId{7}, "alice", "Alice", "", {}};
    map.user_profiles[control::UserId{8}] = {control::UserId{8}, "bob", "Bob", "", {}};

    inputs.state = local::BackendState::Running;
    inputs.map = &map;
    inputs.self_key = map.self.key;
    inputs.host_name = "alpha-box";
    inputs.home = 9;
    inputs.now = WallTime(1767225600s);
    inputs.region_code = [](RegionId region) { return "r" + std::to_string(region); };
    inputs.runtime = [this](netmap::NodeId) { return runtime; };
  }
  local::PeerStatus peer() { return make_status(inputs, true).peers.at(0); }

  test::SeededRng rng;
  netmap::Netmap map;
  PeerRuntime runtime;
  StatusInputs inputs;
};

TEST_F(StatusView, BeforeTheFirstMapThereIsOnlyThisMachine) {
  inputs.map = nullptr;
  inputs.self_key = {};
  inputs.state = local::BackendState::NeedsLogin;
  inputs.auth_url = "https://coord.test/a/1";
  const auto status = make_status(inputs, true);
  EXPECT_FALSE(status.have_node_key);
  EXPECT_EQ(status.auth_url, "https://coord.test/a/1");
  EXPECT_EQ(status.self.host_name, "alpha-box");
  EXPECT_FALSE(status.self.online);
  EXPECT_EQ(status.current_tailnet, std::nullopt);
  EXPECT_THAT(status.peers, IsEmpty());
}

TEST_F(StatusView, TheMapFillsInTheRest) {
  const auto status = make_status(inputs, true);
  EXPECT_TRUE(status.have_node_key);
  EXPECT_TRUE(status.self.online);
  EXPECT_EQ(status.self.relay, "r9");
  EXPECT_EQ(status.magic_dns_suffix, "mesh.test");
  EXPECT_THAT(status.tailscale_ips, ElementsAre(*IpAddress::parse("100.64.0.1")));
  EXPECT_EQ(status.users.at(7).login_name, "alice");
  EXPECT_EQ(status.users.at(8).login_name, "bob");
  ASSERT_EQ(status.peers.size(), 1u);
  const auto& beta = status.peers[0];
  EXPECT_EQ(beta.host_name, "リビングの箱");
  EXPECT_EQ(beta.relay, "r9");
  EXPECT_EQ(beta.tailscale_ips[0], *IpAddress::parse("100.64.0.2"));
  EXPECT_THAT(beta.peer_api_urls, ElementsAre("http://100.64.0.2:4000", "http://[fd7a::2]:6000"));

  const auto small = make_status(inputs, false);
  EXPECT_THAT(small.peers, IsEmpty());
  EXPECT_EQ(small.users.size(), 1u);
}

TEST_F(StatusView, OnlyATrustedDirectPathIsShownAsOne) {
  EXPECT_FALSE(peer().in_magic_sock);
  auto& path = runtime.path.emplace();
  path.direct = *Endpoint::parse("192.0.2.2:2");
  EXPECT_EQ(peer().cur_addr, "");
  path.trusted = true;
  EXPECT_EQ(peer().cur_addr, "192.0.2.2:2");
  EXPECT_TRUE(peer().in_magic_sock);
}

TEST_F(StatusView, APeerIsActiveForTwoMinutesAfterThePacketSentToIt) {
  EXPECT_FALSE(peer().active);
  runtime.last_sent = inputs.now - 119s;
  EXPECT_TRUE(peer().active);
  runtime.last_sent = inputs.now - 120s;
  EXPECT_FALSE(peer().active);
}

TEST_F(StatusView, CountersAndPresenceAreThePeersOwn) {
  auto& stats = runtime.stats.emplace();
  stats.rx_bytes = 5;
  stats.tx_bytes = 6;
  stats.last_handshake = inputs.now;
  map.peers.begin()->second.online = true;
  const auto beta = peer();
  EXPECT_EQ(beta.rx_bytes, 5u);
  EXPECT_EQ(beta.tx_bytes, 6u);
  EXPECT_EQ(beta.last_handshake, inputs.now);
  EXPECT_TRUE(beta.online);
  EXPECT_FALSE(beta.exit_node_option);
  map.peers.begin()->second.allowed_ips = {*Prefix::parse("0.0.0.0/0")};
  EXPECT_FALSE(peer().exit_node_option) << "one family alone would let the other leak";
  map.peers.begin()->second.allowed_ips->push_back(*Prefix::parse("::/0"));
  EXPECT_TRUE(peer().exit_node_option);
}

TEST_F(StatusView, NodesAreFoundByAddressAndKey) {
  const auto& beta = map.peers.begin()->second;
  EXPECT_EQ(find_node(map, *IpAddress::parse("fd7a::2")), &beta);
  EXPECT_EQ(find_node(map, *IpAddress::parse("100.64.0.1")), &map.self);
  EXPECT_EQ(find_node(map, *IpAddress::parse("100.64.0.3")), nullptr);
  EXPECT_EQ(find_node(map, beta.key), &beta);
  EXPECT_EQ(find_node(map, map.self.key), &map.self);
  EXPECT_EQ(make_whois(map, beta).user.login_name, "bob");
  EXPECT_EQ(display_name(beta), "beta");
  control::Node nameless;
  nameless.hostinfo.emplace().hostname = "box";
  EXPECT_EQ(display_name(nameless), "box");
}

TEST_F(StatusView, TheExitNodeInUseIsShownTwice) {
  auto& peer_node = map.peers.at(netmap::NodeId{2});
  peer_node.stable_id = "n2";
  peer_node.online = true;
  EXPECT_EQ(make_status(inputs, true).exit_node, std::nullopt);
  EXPECT_FALSE(peer().exit_node);
  inputs.exit_node = "";  // wanted, and there is none
  EXPECT_EQ(make_status(inputs, true).exit_node, std::nullopt);
  EXPECT_FALSE(peer().exit_node);
  inputs.exit_node = "n2";
  const auto status = make_status(inputs, false);
  ASSERT_TRUE(status.exit_node);
  EXPECT_EQ(status.exit_node->id, "n2");
  EXPECT_TRUE(status.exit_node->online);
  EXPECT_EQ(status.exit_node->tailscale_ips, peer_node.addresses);
  EXPECT_TRUE(peer().exit_node);
}

TEST_F(StatusView, TheRoutingOfTheHostIsAnAdditionThatReadersKeep) {
  EXPECT_EQ(local::to_json(make_status(inputs, true)).find("HostRouting"), std::string::npos);
  inputs.routing = local::HostRouting{
      .exit_node = "in use",
      .kept_local = {{*Prefix::parse("192.168.1.0/24"), "eth0", "why"}},
      .unreachable = {*Prefix::parse("::/0")},
      .conflicts = {{*Prefix::parse("100.64.0.9/32"), "beta", "text"}}};
  const auto status = make_status(inputs, true);
  const auto read = local::parse_status(local::to_json(status));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->routing, inputs.routing);
  EXPECT_FALSE(local::parse_status(R"({"HostRouting": {"KeptLocal": [{"Prefix": "no"}]}})"));
  EXPECT_FALSE(local::parse_status(R"({"HostRouting": {"Conflicts": 3}})"));
}

}  // namespace
}  // namespace aya::app
