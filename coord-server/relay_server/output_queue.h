// What waits to be written to one connection of the relay: small frames of the relay's own first,
// then DISCO packets, then the rest; each packet kind in a queue of 32 whose oldest gives way
// (nat-traversal 3.7). Internal to the room.
#pragma once

#include <optional>

#include "coord-server/relay_server/relay_counters.h"
#include "proto/base/bounded_ring.h"
#include "proto/derp/messages.h"
#include "proto/packet/packet.h"

namespace aya::relay_server {

class OutputQueue {
 public:
  static constexpr std::size_t kPackets = 32;  // of each kind
  // An ordinary client this far behind gets no more PeerGone: they are hints.
  static constexpr std::size_t kBacklog = 256 * 1024;

  bool empty() const { return control_at_ == control_.size() && !pong_ && packets_empty(); }

  // Whole frames, appended by the writers of proto/derp.
  Buffer& control() { return control_; }
  std::size_t control_backlog() const { return control_.size() - control_at_; }
  // One answer at a time: a ping that comes while one waits goes unanswered.
  void pong(const derp::PingData& data) {
    if (!pong_) pong_ = data;
  }
  // `frame`: a whole RecvPacket frame. True if the oldest had to go.
  bool push(PacketKind kind, Packet frame);

  struct Written {
    std::size_t bytes = 0;
    std::size_t packets = 0;
    std::size_t packet_bytes = 0;  // without frame headers
  };
  // Appends whole frames while fewer than `room` bytes were appended.
  Written write(std::size_t room, Buffer& out);

  // Forgets the packets, counting each.
  void drop_packets(DropReason reason, RelayCounters& counters);

 private:
  using Packets = BoundedRing<Packet, kPackets>;

  bool packets_empty() const { return disco_.empty() && other_.empty(); }
  void write_control(std::size_t limit, Buffer& out);
  static void write_packets(Packets& packets, std::size_t limit, Buffer& out, Written& written);

  Buffer control_;
  std::size_t control_at_ = 0;  // frames before here are written
  std::optional<derp::PingData> pong_;
  Packets disco_;
  Packets other_;
};

}  // namespace aya::relay_server
