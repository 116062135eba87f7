// Pings inside the tunnel, in both roles. They show that packets really pass, whatever path they
// take:
//
//   TSMP    a message between nodes: the peer's daemon answers, with the port of its PeerAPI
//   ICMP    an echo: the peer's host answers
//
// Formats of TSMP (IP protocol 99): 'p' and 8 bytes asks; 'o', the same bytes and a port answers.
// Pure; one thread.
#pragma once

#include <optional>
#include <vector>

#include "daemon/filter/packet_view.h"
#include "daemon/path/path_engine.h"
#include "proto/base/rng.h"
#include "proto/packet/packet_pool.h"

namespace aya::dataplane {

enum class InnerPing : std::uint8_t { Tsmp, Icmp };

struct InnerPingDone {
  path::PingId id;
  PeerId peer;
  std::optional<Duration> latency;  // nullopt: no answer
  std::uint16_t peer_api_port = 0;  // 0: not told
};

class InnerPings {
 public:
  static constexpr Duration kPatience = 10s;
  static constexpr std::size_t kAtOnce = 64;  // the oldest is given up beyond

  // Both outlive this.
  InnerPings(Rng& rng, PacketPool& pool) : rng_(rng), pool_(pool) {}

  // The packet that asks; the addresses are of one family.
  Packet ask(
      path::PingId id, PeerId peer, InnerPing kind, const IpAddress& from, const IpAddress& to,
      TimePoint now);
  // Whether a packet of the peer answers one of ours.
  std::optional<InnerPingDone> take(PeerId peer, const filter::PacketView& packet, TimePoint now);
  // What answers a TSMP ping; nullopt: the packet is none.
  std::optional<Packet> answer(const filter::PacketView& packet, std::uint16_t peer_api_port);

  void give_up(TimePoint now, std::vector<InnerPingDone>& out);  // those that waited too long
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Asked {
    path::PingId id;
    PeerId peer;
    InnerPing kind{};
    std::uint64_t number = 0;
    TimePoint at;
  };

  Rng& rng_;
  PacketPool& pool_;
  std::vector<Asked> asked_;  // oldest first
};

}  // namespace aya::dataplane
