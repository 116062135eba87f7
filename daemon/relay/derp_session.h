// One connection to a relay, from behind the HTTP upgrade to its end (nat-traversal 3.4 - 3.7).
// Pure: bytes in, bytes out. derp_link owns the stream (TCP, TLS, the upgrade) and pumps this.
//
//   DerpSession session(self, options, rng, pool, now);
//   session.receive(bytes, now, effects);        as bytes come
//   session.send(peer, std::move(packet), now);  at any time, even before the greeting is done
//   session.write(room, buffer, now);            when the stream has room and has_output()
//   session.advance(now, effects);               no later than next_deadline()
//
// Fast start: with the relay's key known from its meta certificate the greeting is output at once,
// for the same flush as the HTTP request. Without it the session first waits for ServerKey.
//
//   AwaitKey --ServerKey--> AwaitInfo --ServerInfo--> Ready
//      (fast start begins here ^)            any --error, silence--> Failed
//
// The queue of outgoing packets holds 32: the oldest leaves for the newest, DISCO goes first. One
// thread, the pool's.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/rng.h"
#include "proto/base/token_bucket.h"
#include "proto/derp/hello.h"
#include "proto/derp/messages.h"
#include "proto/packet/packet_pool.h"

namespace aya::relay {

enum class SessionFailure {
  NoGreeting,     // the relay did not finish its greeting within ten seconds
  BadGreeting,    // not a DERP relay, or its info did not open
  WrongRelayKey,  // not the key that its certificate or HTTP header promised
  FrameTooLarge,
  Silent,  // no frame for 120 s
  NoPong,  // a ping went unanswered
};
std::string_view to_text(SessionFailure failure);

class DerpSession {
 public:
  struct Options {
    std::optional<derp::RelayPublicKey> relay_key;  // as promised before the first frame
    bool fast_start = false;                        // needs relay_key
    std::string app_name;
  };

  struct Received {
    NodePublicKey from;
    Packet packet;
  };
  struct Gone {
    NodePublicKey peer;
    std::uint8_t reason = 0;  // derp::PeerGone
  };
  struct Effects {
    std::vector<Received> packets;
    std::vector<Gone> gone;
    bool became_ready = false;
    std::optional<std::string> health;  // new text; empty: healthy again
    std::optional<derp::Restarting> restarting;
    std::optional<Duration> pong;  // round trip of a ping of ours
    std::optional<SessionFailure> failed;
    void clear();
  };

  struct Counters {
    std::uint64_t sent = 0, received = 0;  // packets
    std::uint64_t sent_bytes = 0, received_bytes = 0;
    std::uint64_t dropped_queue = 0;   // pushed out of the queue
    std::uint64_t dropped_rate = 0;    // over the relay's token bucket
    std::uint64_t dropped_size = 0;    // larger than a packet of ours may be
    std::uint64_t skipped_frames = 0;  // unknown or malformed
  };

  static constexpr std::size_t kQueue = 32;

  // rng and pool outlive the session.
  DerpSession(
      const NodePrivateKey& self, Options options, Rng& rng, PacketPool& pool, TimePoint now);

  void receive(Bytes bytes, TimePoint now, Effects& out);

  void send(const NodePublicKey& to, Packet packet, TimePoint now);
  void note_preferred(bool home);  // said once ready, and again at each change
  // Asks for a sign of life, after a link change: a pong within three seconds, or Failed.
  void probe(TimePoint now);

  // Appends what waits while fewer than `room` bytes were appended.
  std::size_t write(std::size_t room, Buffer& out, TimePoint now);
  bool has_output() const;

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  bool is_ready() const { return phase_ == Phase::Ready; }
  bool has_failed() const { return phase_ == Phase::Failed; }
  const std::optional<derp::RelayPublicKey>& relay_key() const { return relay_key_; }
  TimePoint last_heard() const { return last_heard_; }
  std::optional<TimePoint> last_packet_written() const { return last_packet_written_; }
  const Counters& counters() const { return counters_; }

 private:
  enum class Phase { AwaitKey, AwaitInfo, Ready, Failed };
  struct Outgoing {
    NodePublicKey to;
    Packet packet;
  };
  struct PingInFlight {
    derp::PingData data{};
    TimePoint sent;
    TimePoint give_up_at;
  };

  void fail(SessionFailure why, Effects& out);
  bool admit_header(Effects& out);
  void on_frame(derp::FrameType type, Bytes payload, TimePoint now, Effects& out);
  void on_server_key(Bytes payload, Effects& out);
  void on_server_info(Bytes payload, TimePoint now, Effects& out);
  void on_message(const derp::FromRelay& message, TimePoint now, Effects& out);
  void greet();
  void send_ping(TimePoint now, Duration patience);
  std::optional<TimePoint> stall_check_at() const;
  void write_packets(std::deque<Outgoing>& queue, std::size_t limit, Buffer& out, TimePoint now);

  NodePrivateKey self_;
  Options options_;
  Rng& rng_;
  PacketPool& pool_;
  Phase phase_ = Phase::AwaitKey;
  derp::FrameReader reader_;
  std::optional<derp::RelayPublicKey> relay_key_;
  bool key_checked_ = false;
  Buffer control_;  // small frames, before any packet
  std::deque<Outgoing> disco_;
  std::deque<Outgoing> other_;
  std::optional<TokenRate> send_rate_;
  TokenBucket send_bucket_;
  std::optional<bool> preferred_;
  std::optional<PingInFlight> ping_;
  TimePoint began_;
  TimePoint last_heard_;
  std::optional<TimePoint> unanswered_since_;  // first write after the last frame heard
  std::optional<TimePoint> last_packet_written_;
  Counters counters_;
};

// The HTTP request that asks for a DERP stream, complete with its blank line (3.4).
struct UpgradeRequest {
  std::string_view host;  // Host header
  bool fast_start = false;
  std::string_view ideal_node{};  // the region's first node, if we are not on it; else empty
};
std::string to_http(const UpgradeRequest& request);

}  // namespace aya::relay
