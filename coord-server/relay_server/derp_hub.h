// The relay itself: many connections, each a stream of DERP frames, and packets carried from one
// to another by node key (nat-traversal 3.5 - 3.10). Pure: bytes and `now` go in, the hub says
// whose output waits and whom to hang up on. The shell owns the streams.
//
//   const ConnectionId id = hub.accept(remote, now, effects);     after the HTTP upgrade
//   hub.receive(id, bytes, now, effects);                         as bytes come
//   hub.write(id, room, buffer, now);                             for each id in effects.writable,
//                                                                 and when the stream drained
//   hub.lost(id, now, effects);                                   the stream ended by itself
//   hub.advance(now, effects);                                    no later than next_deadline()
//
// Duplicates: several connections may hold one key; the one that sent last receives (3.8). After
// three changes of hand within 60 s each is told by a Health frame that its key is in use twice.
//
// Mesh: frames that need the region's mesh key are served to those who hold it (watching who comes
// and goes, forwarding in, evicting) and end the connection of those who do not. The hub does not
// forward to other relays: a region of ours has one relay.
//
// Queues hold packets in pooled slabs: after warming up, a packet passing through allocates
// nothing. One thread. Neither copied nor moved.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/base/token_bucket.h"
#include "proto/derp/relay_key.h"
#include "proto/netaddr/endpoint.h"
#include "coord-server/relay_server/relay_counters.h"

namespace aya::relay_server {

using ConnectionId = StrongId<struct RelayConnectionTag, std::uint64_t>;

enum class CloseReason {
  PeerClosed,    // the stream ended between frames
  CutShort,      // the stream ended inside a frame
  NoGreeting,    // no ClientInfo within ten seconds
  BadGreeting,   // something else than a ClientInfo that opens
  NotAdmitted,   // the key may not use this relay
  BadFrame,      // a size or a body that cannot be
  NotPermitted,  // a mesh frame without the mesh key
  WriteTimeout,  // its output did not move
  Evicted,       // close_key(), or a mesh peer asked
  TooManyConnections,
};
std::string_view to_text(CloseReason reason);

class DerpHub {
 public:
  // Who may use the relay. Asked once for each connection, after the key has been proven; mesh
  // peers are not asked about. Must answer at once: from a table, not from a network.
  class Admission {
   public:
    virtual ~Admission() = default;
    virtual bool admits(const NodePublicKey& node, const IpAddress& source) = 0;
  };

  struct Options {
    std::optional<derp::MeshKey> mesh_key{};
    // Bytes a second that one client may send; enforced by not reading from it. The burst is at
    // least one largest frame. Mesh peers are exempt.
    std::optional<TokenRate> receive_rate{};
    Duration write_timeout = 2s;  // zero: none. Mesh peers get thirty seconds
    std::size_t max_connections = 65536;
  };

  struct Closed {
    ConnectionId id;
    CloseReason reason{};
  };
  struct Pause {
    ConnectionId id;
    bool paused = false;
  };
  struct Effects {
    std::vector<ConnectionId> writable;  // output waits where none did before; each id once a call
    std::vector<Closed> closed;          // forgotten by the hub: close the stream
    std::vector<Pause> pauses;           // stop, or go on, reading from this stream
    void clear() {
      writable.clear();
      closed.clear();
      pauses.clear();
    }
  };

  // `admission` and `rng` outlive the hub.
  DerpHub(
      const derp::RelayPrivateKey& self, const Options& options, Admission& admission, Rng& rng);
  ~DerpHub();
  DerpHub(const DerpHub&) = delete;
  DerpHub& operator=(const DerpHub&) = delete;

  const derp::RelayPublicKey& public_key() const;

  // A fresh stream, upgraded. `ideal`: the client did not name a better relay (Ideal-Node header).
  ConnectionId accept(const Endpoint& remote, bool ideal, TimePoint now, Effects& out);
  void receive(ConnectionId id, Bytes bytes, TimePoint now, Effects& out);
  // The other end closed or the stream failed. What waits for it is counted as dropped.
  void lost(ConnectionId id, TimePoint now, Effects& out);

  // Appends waiting frames while fewer than `room` bytes were appended: never cuts a frame, so it
  // may overshoot by one. Call it when the stream's own queue has shrunk, too: that is what keeps
  // the write timeout away.
  std::size_t write(ConnectionId id, std::size_t room, Buffer& out, TimePoint now);
  bool has_output(ConnectionId id) const;

  // Hangs up on every connection of a key that lost its permission. The result is how many.
  std::size_t close_key(const NodePublicKey& node, TimePoint now, Effects& out);
  bool is_connected(const NodePublicKey& node) const;
  void set_receive_rate(std::optional<TokenRate> rate);  // takes effect at once
  // Tells everyone that the relay goes away, to come back (not closing anything yet).
  void announce_restart(
      std::chrono::milliseconds reconnect_in, std::chrono::milliseconds try_for, TimePoint now,
      Effects& out);

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  const RelayCounters& counters() const;
  RelayGauges gauges() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aya::relay_server
