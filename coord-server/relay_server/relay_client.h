// One connection of the relay, as the hub keeps it. Internal to the room.
#pragma once

#include <optional>
#include <unordered_set>

#include "coord-server/relay_server/derp_hub.h"
#include "coord-server/relay_server/output_queue.h"

namespace aya::relay_server {

class KeyHolders;

struct RelayClient {
  ConnectionId id;
  Endpoint remote;
  bool ideal = true;

  // Until it has greeted, a connection has no key and only greet_by runs.
  bool greeted = false;
  NodePublicKey node;
  KeyHolders* held = nullptr;  // the entry of `node` in the hub's table
  bool mesh = false;
  bool prober = false;
  bool at_home = false;
  bool watches = false;          // told who comes and goes
  std::uint64_t last_spoke = 0;  // counts frames over the whole hub; 0: never

  derp::FrameReader reader;
  OutputQueue output;
  TokenBucket received;  // against Options::receive_rate
  TokenBucket not_here_notices;
  std::unordered_set<NodePublicKey> heard_from;  // to be told when they leave

  Duration keepalive_every{};
  std::optional<TimePoint> greet_by;
  std::optional<TimePoint> keepalive_at;
  std::optional<TimePoint> waiting_since;  // output waits, and nothing was written since
  std::optional<TimePoint> paused_until;
  std::optional<TimePoint> wake_at;  // its live entry in the hub's heap

  std::uint8_t presence_flags() const {
    using derp::PeerPresent;
    const int kind = mesh     ? PeerPresent::kMeshPeer
                     : prober ? PeerPresent::kProber
                              : PeerPresent::kRegular;
    return static_cast<std::uint8_t>(kind | (ideal ? 0 : PeerPresent::kNotIdeal));
  }
};

}  // namespace aya::relay_server
