// What the relay has done since it started, for the metrics page. Plain numbers, one writer.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace aya::relay_server {

enum class DropReason : std::uint8_t {
  UnknownDestination,           // nobody here has that key
  UnknownForwardedDestination,  // the same, for a packet from another relay
  GoneDisconnected,             // was queued for a connection that ended
  QueueHead,                    // oldest, pushed out by a newer one
  QueueTail,                    // no room could be made
  WriteError,                   // the stream stalled or failed with this in it
  DuplicateClient,              // several connections hold the key and none has spoken
  kCount,
};
enum class PacketKind : std::uint8_t { Disco, Other, kCount };

std::string_view to_label(DropReason reason);  // "unknown_dest", ... as in nat-traversal 3.7
std::string_view to_label(PacketKind kind);    // "disco", "other"

struct RelayCounters {
  std::uint64_t accepted = 0;
  std::uint64_t not_admitted = 0;
  std::uint64_t closed_for_error = 0;
  std::uint64_t packets_received = 0, bytes_received = 0;  // for relaying; without frame headers
  std::uint64_t packets_sent = 0, bytes_sent = 0;
  std::uint64_t packets_forwarded_in = 0;
  std::uint64_t pings = 0;
  std::uint64_t unknown_frames = 0;
  std::uint64_t duplicate_alarms = 0;
  std::array<std::array<std::uint64_t, 2>, static_cast<std::size_t>(DropReason::kCount)> drops{};

  std::uint64_t dropped(DropReason reason, PacketKind kind) const {
    return drops[static_cast<std::size_t>(reason)][static_cast<std::size_t>(kind)];
  }
  std::uint64_t dropped(DropReason reason) const {
    return dropped(reason, PacketKind::Disco) + dropped(reason, PacketKind::Other);
  }
};

struct RelayGauges {
  std::size_t connections = 0;  // greeted or not
  std::size_t keys = 0;
  std::size_t duplicated_keys = 0;
  std::size_t at_home = 0;  // connections that call this relay their home
  std::size_t mesh_peers = 0;
};

}  // namespace aya::relay_server
