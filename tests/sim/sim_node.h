// A whole packet node on the virtual network, in virtual time: the real dataplane (WireGuard,
// paths, filter, names) between a host that speaks IPv4 and a UDP socket, with a relay connection
// and a STUN client. What control would say is said by the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "daemon/dataplane/dataplane.h"
#include "proto/base/endian.h"
#include "proto/stun/binding.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/virtual_network.h"

namespace aya::sim {

class SimNode final : public dataplane::Dataplane::Ports {
 public:
  using Network = test::VirtualNetwork;
  static constexpr RegionId kRegion = 900;
  static constexpr std::uint16_t kPort = 41641;
  static inline const Endpoint kStun = *Endpoint::parse("203.0.113.1:3478");

  SimNode(
      Network& network, std::uint32_t number, std::string_view address,
      std::optional<Network::NatId> behind)
      : net(network), id{number}, rng(number), key(NodePrivateKey::generate(rng)) {
    dataplane.emplace(
        key, DiscoPrivateKey::generate(rng), rng, pool,
        tunnel::Options{.wall_clock = [this] { return wall(); }}, *this);
    dataplane->set_own_addresses(std::vector{overlay()});
    dataplane->packet_filter().set_local(std::vector{Prefix::host(overlay())});
    allow_everybody();
    host = net.add_host(
        *IpAddress::parse(address), behind,
        [this](const Endpoint& from, std::uint16_t, Bytes bytes) { on_datagram(from, bytes); });
    join_relay();
    ask_stun();
    net.advance(200ms);
  }

  IpAddress overlay() const { return IpAddress::v4(0x64400000u + id.value); }
  WallTime wall() const { return WallTime(1'800'000'000s) + net.now().time_since_epoch(); }

  void join_relay() {
    net.join_relay(
        kRegion, key.public_key(), host,
        [this](RegionId region, const NodePublicKey& from, Bytes bytes) {
          dataplane->from_relay(region, from, pool.copy_of(bytes), net.now());
          arm();
        });
  }

  // What the map would say about `other`.
  void meet(SimNode& other) {
    dataplane::PeerFacts facts;
    facts.path = {other.key.public_key(), other.dataplane->disco_key(), other.own, kRegion, 116};
    facts.allowed_ips = {Prefix::host(other.overlay())};
    facts.addresses = {other.overlay()};
    peers[other.overlay()] = &other;
    dataplane->upsert_peer(other.id, facts, net.now());
    arm();
  }

  // The host sends one numbered UDP packet to the peer's overlay address.
  void say(const SimNode& to) {
    Packet packet = pool.take();
    packet.resize(28 + 8);
    write_udp(packet.mutable_bytes(), overlay(), to.overlay(), ++said);
    dataplane->from_host({&packet, 1}, wall(), net.now());
    arm();
  }

  bool direct_to(const SimNode& peer) const {
    const auto status = dataplane->paths().status(peer.id, net.now());
    return status && status->direct && status->trusted;
  }
  std::size_t heard_from(const SimNode& peer) const {
    const auto found = heard.find(peer.overlay());
    return found == heard.end() ? 0 : found->second.size();
  }

  // ---- Ports
  void to_host(std::span<const Packet> packets) override {
    for (const Packet& packet : packets) {
      const auto view = filter::PacketView::parse(packet.bytes());
      ASSERT_EQ(view.protocol, filter::kUdp);
      ASSERT_TRUE(peers.contains(view.source.address)) << "a packet of nobody";
      const auto number = load_be<std::uint64_t>(view.transport.data() + 8);
      EXPECT_TRUE(heard[view.source.address].insert(number).second) << "delivered twice";
    }
  }
  void to_udp(std::span<const dataplane::UdpDatagram> datagrams) override {
    for (const auto& datagram : datagrams) net.send({host, kPort}, datagram.to, datagram.bytes);
  }
  void to_relay(RegionId region, const NodePublicKey& peer, Packet packet) override {
    ++relayed;
    net.relay_send(region, key.public_key(), peer, packet.bytes());
  }
  void to_dns_server(const dns::Forwarder::Send&) override {}
  void on_dns_answer(dns::QuestionId, Bytes) override {}
  void on_stun(Bytes datagram, const Endpoint&) override {
    const auto response = stun::parse_response(datagram);
    ASSERT_TRUE(response);
    own = {response->mapped, Endpoint{net.address_of(host), kPort}};
    // Not from within the dataplane's call.
    net.at(net.now(), [this] {
      dataplane->set_own_endpoints(own, net.now());
      arm();
    });
  }
  void on_path_change(const path::PathChange&) override {}
  void on_ping_done(const path::PingDone&) override {}
  void on_inner_ping_done(const dataplane::InnerPingDone&) override {}
  void on_handshake(PeerId) override { ++handshakes; }
  void wants_restun() override { ask_stun(); }
  void wants_echo(const IpAddress&) override {}  // no host of the virtual network answers

  Network& net;
  PeerId id;
  test::SeededRng rng;
  PacketPool pool;
  NodePrivateKey key;
  std::optional<dataplane::Dataplane> dataplane;
  Network::HostId host;
  std::vector<Endpoint> own;
  std::map<IpAddress, SimNode*> peers;
  std::map<IpAddress, std::set<std::uint64_t>> heard;
  std::uint64_t said = 0, relayed = 0, handshakes = 0;

 private:
  static void write_udp(
      MutableBytes out, const IpAddress& from, const IpAddress& to, std::uint64_t number) {
    std::ranges::fill(out, std::byte{0});
    out[0] = std::byte{0x45};
    store_be(out.data() + 2, static_cast<std::uint16_t>(out.size()));
    out[8] = std::byte{64};
    out[9] = std::byte{filter::kUdp};
    copy_bytes(out.subspan(12, 4), from.bytes());
    copy_bytes(out.subspan(16, 4), to.bytes());
    store_be(out.data() + 20, std::uint16_t{5000});
    store_be(out.data() + 22, std::uint16_t{5001});
    store_be(out.data() + 24, static_cast<std::uint16_t>(out.size() - 20));
    store_be(out.data() + 28, number);
  }

  void allow_everybody() {
    control::FilterRule rule;
    rule.src_ips = {"*"};
    rule.dst_ports.emplace_back().ip = "*";
    rule.dst_ports.back().ports = {0, 65535};
    dataplane->packet_filter().set_rules(filter::compile(std::vector{rule}, {}), false);
  }

  void ask_stun() { net.send({host, kPort}, kStun, stun::make_request(rng.array<12>())); }

  void on_datagram(const Endpoint& from, Bytes bytes) {
    dataplane::UdpArrival arrival{pool.copy_of(bytes), from};
    dataplane->from_udp({&arrival, 1}, net.now());
    arm();
  }

  // One wake-up per new deadline; superseded ones find nothing due.
  void arm() {
    const auto next = dataplane->next_deadline();
    if (!next || (armed_ && *armed_ <= *next && *armed_ > net.now())) return;
    armed_ = std::max(*next, net.now());
    net.at(*armed_, [this, when = *armed_] {
      if (armed_ != when) return;
      armed_.reset();
      dataplane->advance(net.now());
      arm();
    });
  }

  std::optional<TimePoint> armed_;
};

}  // namespace aya::sim
