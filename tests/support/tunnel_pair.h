// Two WireGuard tunnels on one virtual clock, joined by a link that loses, delays, reorders and
// duplicates as told. Everything is drawn from one seed, so a failure repeats.
//
//   TunnelPair net({.loss = 0.2});
//   net.send(net.a, 1);
//   net.advance(10s);
//   EXPECT_TRUE(net.b.received.contains(1));
#pragma once

#include <functional>
#include <map>
#include <set>

#include "daemon/tunnel/tunnel.h"
#include "proto/wireguard/messages.h"
#include "tests/support/seeded_rng.h"

namespace aya::test {

struct Link {
  double loss = 0;
  double duplicates = 0;
  Duration delay = 10ms;
  Duration spread = 0ms;  // added to the delay at random: more than a gap between packets reorders
  bool dead = false;
  std::uint64_t seed = 1;
};

class TunnelPair {
 public:
  struct End {
    End(std::uint64_t seed, PathAddress address, std::function<WallTime()> wall)
        : rng(seed),
          key(NodePrivateKey::generate(rng)),
          at(address),
          tunnel(key, rng, pool, {.wall_clock = std::move(wall)}) {}

    SeededRng rng;
    PacketPool pool;
    NodePrivateKey key;
    PathAddress at;       // where this end is
    PathAddress peer_at;  // where it believes the other to be
    IpAddress inner;
    tunnel::Tunnel tunnel;
    tunnel::Effects effects;
    std::multiset<std::uint32_t> received;  // numbers that came out
    std::vector<tunnel::Heard> heard;
    std::size_t cookies = 0;  // replies to strangers
    std::size_t handshakes = 0;

    tunnel::PeerStats stats() const { return *tunnel.stats(kPeer); }
  };

  static constexpr PeerId kPeer{3};

  explicit TunnelPair(Link link_options = {}, crypto::Key32 psk = {})
      : link(link_options),
        a(link.seed * 10 + 1, address(1), [this] { return wall(); }),
        b(link.seed * 10 + 2, address(2), [this] { return wall(); }),
        chance_(link.seed) {
    introduce(a, b, 1, psk);
    introduce(b, a, 2, psk);
  }

  static PathAddress address(std::uint8_t host, std::uint16_t port = 51820) {
    return PathAddress::direct({IpAddress::v4(192u << 24 | 2u << 8 | host), port});
  }
  static IpAddress inner_address(std::uint8_t host) { return IpAddress::v4(10u << 24 | host); }

  // An IPv4 packet that carries `number`, from this end to the other.
  static Packet numbered(
      PacketPool& pool, const IpAddress& from, std::uint32_t number, std::size_t payload = 33) {
    Packet packet = pool.take();
    packet.resize(20 + payload);
    const MutableBytes bytes = packet.mutable_bytes();
    std::fill(bytes.begin(), bytes.end(), std::byte{});
    bytes[0] = std::byte{0x45};
    store_be(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size()));
    copy_bytes(bytes.subspan(12, 4), from.bytes());
    store_le(bytes.data() + 20, number);
    return packet;
  }

  void send(End& from, std::uint32_t number) {
    Packet packet = numbered(from.pool, from.inner, number);
    from.tunnel.seal(kPeer, std::span(&packet, 1), now, from.effects);
    carry_out(from);
  }

  // As if the other end were a new process, and this one were told.
  void peer_restarted(End& at) {
    at.tunnel.peer_restarted(kPeer, now, at.effects);
    carry_out(at);
  }

  // Runs everything that happens until `now + time`.
  void advance(Duration time) {
    const TimePoint end = now + time;
    for (;;) {
      std::optional<TimePoint> next = earlier(a.tunnel.next_deadline(), b.tunnel.next_deadline());
      if (!in_flight_.empty()) next = earlier(next, in_flight_.begin()->first);
      if (!next || *next > end) break;
      now = std::max(now, *next);
      step();
    }
    now = end;
  }

  End& other(const End& end) { return &end == &a ? b : a; }
  WallTime wall() const { return WallTime(1767225600s) + (now - TimePoint{}) + wall_step; }

  // Arrives as if it had come over the link.
  void inject(End& to, Bytes datagram, const PathAddress& from) {
    tunnel::Datagram one{to.pool.copy_of(datagram), from, {}};
    to.tunnel.open(std::span(&one, 1), now, to.effects);
    carry_out(to);
  }

  Link link;
  TimePoint now{100s};
  Duration wall_step{};  // a calendar clock that was set
  End a, b;
  // Sees every datagram as it is sent; false: it is lost.
  std::function<bool(const End& from, Bytes datagram)> on_wire;

 private:
  struct InFlight {
    End* to;
    Buffer datagram;
    PathAddress from;
  };

  void introduce(End& self, const End& peer, std::uint8_t host, const crypto::Key32& psk) {
    self.inner = inner_address(host);
    self.peer_at = peer.at;
    self.tunnel.upsert_peer(kPeer, {peer.key.public_key(), psk, {}});
    const Prefix theirs = Prefix::host(inner_address(static_cast<std::uint8_t>(3 - host)));
    self.tunnel.set_allowed_ips(kPeer, std::span(&theirs, 1));
  }

  void step() {
    while (!in_flight_.empty() && in_flight_.begin()->first <= now) {
      InFlight next = std::move(in_flight_.begin()->second);
      in_flight_.erase(in_flight_.begin());
      inject(*next.to, next.datagram, next.from);
    }
    for (End* end : {&a, &b}) {
      end->tunnel.advance(now, end->effects);
      carry_out(*end);
    }
  }

  void carry_out(End& end) {
    tunnel::Effects& effects = end.effects;
    for (const tunnel::Heard& heard : effects.heard) {
      end.heard.push_back(heard);
      end.peer_at = heard.from;
    }
    for (tunnel::ToPeer& send : effects.to_network)
      transmit(end, send.datagram.bytes(), end.peer_at);
    for (tunnel::ToSource& send : effects.to_source) {
      ++end.cookies;
      transmit(end, send.datagram.bytes(), send.to);
    }
    for (tunnel::ToHost& inner : effects.to_host) {
      end.received.insert(load_le<std::uint32_t>(inner.inner.bytes().data() + 20));
    }
    end.handshakes += effects.handshakes_done.size();
    effects.clear();
  }

  void transmit(End& from, Bytes datagram, const PathAddress& to) {
    End& target = other(from);
    const bool passes = !on_wire || on_wire(from, datagram);
    if (!passes || link.dead || to != target.at || chance_.unit() < link.loss) return;
    const int copies = chance_.unit() < link.duplicates ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto extra = Duration(
          static_cast<std::int64_t>(static_cast<double>(link.spread.count()) * chance_.unit()));
      in_flight_.emplace(
          now + link.delay + extra,
          InFlight{&target, Buffer(datagram.begin(), datagram.end()), from.at});
    }
  }

  std::multimap<TimePoint, InFlight> in_flight_;
  SeededRng chance_;
};

}  // namespace aya::test
