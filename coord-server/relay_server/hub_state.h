// The inside of DerpHub: who is connected, who holds which key, and what happens when. derp_hub.cpp
// has the life of a connection, hub_frames.cpp what its frames do. Internal to the room.
#pragma once

#include <unordered_map>
#include <vector>

#include "coord-server/relay_server/derp_hub.h"
#include "coord-server/relay_server/key_holders.h"
#include "coord-server/relay_server/relay_client.h"
#include "proto/packet/packet_pool.h"

namespace aya::relay_server {

// WireGuard and DISCO packets fit the small slabs. Larger ones are legal but nobody's habit, so
// the relay holds only so many of them at once.
inline constexpr std::size_t kMaxLargeQueued = 256;

inline constexpr Duration kGreetWithin = 10s;
inline constexpr Duration kKeepaliveEvery = 60s;  // plus up to five, chosen per connection
inline constexpr std::uint32_t kKeepaliveJitterMs = 5000;
inline constexpr Duration kMeshWriteTimeout = 30s;
inline constexpr TokenRate kNotHereRate{.per_second = 1, .burst = 3};
// The least burst of a receive rate: one SendPacket frame of the largest size.
inline constexpr double kMinReceiveBurst = 32 + derp::kMaxPacket;

struct DerpHub::State {
  State(const derp::RelayPrivateKey& key, const Options& with, Admission& who, Rng& random);

  // derp_hub.cpp
  RelayClient* find(ConnectionId id);
  void close(RelayClient& client, CloseReason reason, TimePoint now, Effects& out);
  void leave(RelayClient& client, TimePoint now, Effects& out);
  std::size_t close_key(
      const NodePublicKey& node, const RelayClient* except, TimePoint now, Effects& out);
  void on_timers(RelayClient& client, TimePoint now, Effects& out);
  void wake(RelayClient& client, std::optional<TimePoint> at);
  void wake_at_next_timer(RelayClient& client);
  std::optional<TimePoint> next_timer(const RelayClient& client) const;
  std::optional<TimePoint> stalls_at(const RelayClient& client) const;

  // hub_frames.cpp
  // What is wrong with a frame, as far as its header tells; may skip the payload.
  std::optional<CloseReason> judge_header(RelayClient& client, TimePoint now, Effects& out);
  std::optional<CloseReason> on_frame(RelayClient& client, TimePoint now, Effects& out);
  std::optional<CloseReason> greet(RelayClient& client, Bytes payload, TimePoint now, Effects& out);
  void relay_packet(RelayClient& from, Bytes payload, TimePoint now, Effects& out);
  void relay_forwarded(Bytes payload, TimePoint now, Effects& out);
  void deliver(
      RelayClient& to, const NodePublicKey& source, Bytes packet, TimePoint now, Effects& out);
  void say_not_here(RelayClient& to, const NodePublicKey& missing, TimePoint now, Effects& out);
  void charge(RelayClient& client, std::size_t frame_length, TimePoint now, Effects& out);
  void note_spoke(RelayClient& client, TimePoint now, Effects& out);
  void announce(const RelayClient& client, TimePoint now, Effects& out);
  void start_watching(RelayClient& client, TimePoint now, Effects& out);
  std::optional<Packet> frame_for(const NodePublicKey& source, Bytes packet);
  void drop(DropReason reason, PacketKind kind) {
    ++counters.drops[static_cast<std::size_t>(reason)][static_cast<std::size_t>(kind)];
  }

  // Lets `write` append to the client's output, and notes that it waits. `write` takes
  // OutputQueue&.
  template <class Write>
  void output(RelayClient& client, TimePoint now, Effects& out, Write write) {
    const bool waited = !client.output.empty();
    write(client.output);
    if (waited || client.output.empty()) return;
    out.writable.push_back(client.id);
    client.waiting_since = now;
    wake(client, stalls_at(client));
  }

  derp::RelayPrivateKey self;
  derp::RelayPublicKey self_public;
  Options options;
  Admission& admission;
  Rng& rng;
  RelayCounters counters;

  // The pools come before the clients, whose queues hold their packets.
  PacketPool small_packets;
  PacketPool large_packets{derp::kMaxPacket};

  std::uint64_t next_id = 1;
  std::uint64_t frames_heard = 0;
  std::unordered_map<ConnectionId, std::unique_ptr<RelayClient>> clients;
  std::unordered_map<NodePublicKey, KeyHolders> holders;
  // source -> connections that received from it
  std::unordered_map<NodePublicKey, std::vector<ConnectionId>> listeners;
  std::vector<ConnectionId> watchers;  // mesh peers that asked for WatchConns

  struct Wake {
    TimePoint at;
    ConnectionId id;
    friend bool operator>(const Wake& a, const Wake& b) { return a.at > b.at; }
  };
  // A min-heap. An entry counts only while it equals its client's wake_at; the others are left
  // behind by an earlier one and are dropped when they surface.
  std::vector<Wake> wakes;
};

}  // namespace aya::relay_server
