// Objects of the IPN bus (interfaces 4.5): what a watcher of the daemon is told. Each is one line
// of JSON; a field that did not change is null or absent, as clients expect.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/local/prefs.h"
#include "proto/local/status.h"

namespace aya::local {

// What a watcher asks for.
enum WatchBits : std::uint64_t {
  kWatchEngineUpdates = 1,
  kWatchInitialState = 2,
  kWatchInitialPrefs = 4,
  kWatchInitialNetMap = 8,
  kWatchNoPrivateKeys = 16,
  kWatchInitialDriveShares = 32,
  kWatchInitialOutgoingFiles = 64,
  kWatchInitialHealth = 128,
  kWatchRateLimit = 256,
  kWatchHealthActions = 512,
  kWatchInitialSuggestedExitNode = 1024,
  kWatchInitialClientVersion = 2048,
  kWatchPeerChanges = 4096,
  kWatchNoNetMap = 8192,
  kWatchInitialStatus = 16384,
  kWatchPeerPatches = 32768,
  kWatchInProcess = 65536,
  kWatchSysPolicy = 131072,
  kWatchPeerState = 262144,
};

struct EngineUpdate {
  struct LivePeer {
    NodePublicKey key;
    std::uint64_t tx_bytes = 0, rx_bytes = 0;
    std::optional<WallTime> last_handshake;
    friend bool operator==(const LivePeer&, const LivePeer&) = default;
  };
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  int live_relays = 0;
  std::vector<LivePeer> live_peers;
  friend bool operator==(const EngineUpdate&, const EngineUpdate&) = default;
};

struct HealthWarning {
  std::string code;      // stable name, the key of the warnings object
  std::string severity;  // "low", "medium", "high"
  std::string title, text;
  std::optional<WallTime> broken_since;
  bool impacts_connectivity = false;
  friend bool operator==(const HealthWarning&, const HealthWarning&) = default;
};

enum class PeerSessionState { None, Handshake, Established, Expired };
struct PeerSession {
  std::string stable_id;
  PeerSessionState state = PeerSessionState::None;
  std::optional<WallTime> since;
  friend bool operator==(const PeerSession&, const PeerSession&) = default;
};

struct Notify {
  std::string version;
  std::string session_id;  // first message only
  std::optional<std::string> err_message;
  bool login_finished = false;
  std::optional<BackendState> state;
  std::optional<Prefs> prefs;
  RawJson self_change;  // a node object
  std::optional<Status> initial_status;
  RawJson net_map;        // as netmap.NetworkMap prints
  RawJson peers_changed;  // a list of node objects
  std::vector<std::int64_t> peers_removed;
  std::vector<PeerSession> peer_states;
  std::optional<EngineUpdate> engine;
  std::optional<std::string> browse_to_url;
  std::optional<std::vector<HealthWarning>> health;
  bool sys_policy = false;  // prints an empty policy
};

std::string to_json_line(const Notify& notify);  // without the newline

// What the command line reads from the bus; everything else is skipped.
struct NotifySummary {
  std::optional<BackendState> state;
  std::optional<std::string> err_message;
  std::optional<std::string> browse_to_url;
  bool login_finished = false;
};
Result<NotifySummary, ParseError> parse_notify(std::string_view json);

}  // namespace aya::local
