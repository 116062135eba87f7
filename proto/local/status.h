// The answer of GET status (interfaces 4.4): what the daemon knows about itself and its peers.
// The daemon fills the structs, the command line reads them; values only, any thread.
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
#include "proto/keys/public_key.h"
#include "proto/local/raw_json.h"
#include "proto/local/user_profile.h"
#include "proto/netaddr/prefix.h"

namespace aya::local {

// As an integer on the bus (Notify.State), as text in the status (BackendState).
enum class BackendState : std::uint8_t {
  NoState = 0,
  InUseOtherUser = 1,
  NeedsLogin = 2,
  NeedsMachineAuth = 3,
  Stopped = 4,
  Starting = 5,
  Running = 6,
};
std::string_view to_text(BackendState state);
std::optional<BackendState> parse_backend_state(std::string_view text);

struct Location {
  std::string country, country_code, city, city_code;
  double latitude = 0, longitude = 0;
  std::int64_t priority = 0;
  friend bool operator==(const Location&, const Location&) = default;
};

struct PeerStatus {
  std::string id;  // stable id
  std::int64_t node_id = 0;
  NodePublicKey public_key;
  std::string host_name;  // as the machine calls itself; any UTF-8
  std::string dns_name;   // ends in a dot
  std::string os;
  std::int64_t user_id = 0;
  std::int64_t alt_sharer_user_id = 0;  // 0: printed only when set
  std::vector<IpAddress> tailscale_ips;
  std::vector<Prefix> allowed_ips;
  std::vector<std::string> tags;
  std::vector<Prefix> primary_routes;
  std::vector<std::string> addrs;  // "addr:port"; of ourselves only
  bool addrs_known = false;        // prints an empty list instead of null
  std::string cur_addr;            // "" while relayed
  std::string relay;               // region code of the home relay
  std::string peer_relay;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;
  std::optional<WallTime> created, last_write, last_seen, last_handshake;
  bool online = false;
  bool exit_node = false;
  bool exit_node_option = false;
  bool active = false;  // sent to within two minutes
  std::vector<std::string> peer_api_urls;
  std::int64_t taildrop_target = 0;
  std::string no_file_sharing_reason;
  std::vector<std::string> capabilities;
  RawJson cap_map;  // an object
  std::vector<std::string> ssh_host_keys;
  bool sharee_node = false;
  bool in_network_map = false;
  bool in_magic_sock = false;
  bool in_engine = false;
  bool expired = false;
  std::optional<WallTime> key_expiry;
  std::optional<Location> location;
  friend bool operator==(const PeerStatus&, const PeerStatus&) = default;

  // What tables and pongs call it: the first label of the DNS name, else the host name.
  std::string display_name() const;
};

struct ExitNodeStatus {
  std::string id;
  bool online = false;
  std::vector<Prefix> tailscale_ips;
  friend bool operator==(const ExitNodeStatus&, const ExitNodeStatus&) = default;
};

struct Tailnet {
  std::string name;
  std::string magic_dns_suffix;
  bool magic_dns_enabled = false;
  friend bool operator==(const Tailnet&, const Tailnet&) = default;
};

struct DnsRecord {
  std::string name, type, value;
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

// Ours: how this host's routing treats what is not a peer's own address.
struct HostRouting {
  struct KeptLocal {
    Prefix prefix;
    std::string interface;  // "": as the host's own routes say
    std::string why;
    friend bool operator==(const KeptLocal&, const KeptLocal&) = default;
  };
  struct Conflict {
    Prefix prefix;
    std::string with;  // an interface or a peer
    std::string text;  // a sentence for a person
    friend bool operator==(const Conflict&, const Conflict&) = default;
  };
  std::string exit_node;  // "none", "in use", "unavailable", "impossible"
  std::vector<KeptLocal> kept_local;
  std::vector<Prefix> unreachable;
  std::vector<Conflict> conflicts;
  friend bool operator==(const HostRouting&, const HostRouting&) = default;
};

struct Status {
  std::string version;
  bool tun = false;
  BackendState backend_state = BackendState::NoState;
  bool have_node_key = false;
  std::string auth_url;  // "" unless a login waits for a person
  std::vector<IpAddress> tailscale_ips;
  PeerStatus self;  // always there, even before the first login
  std::optional<ExitNodeStatus> exit_node;
  std::vector<std::string> health;
  std::string magic_dns_suffix;
  std::optional<Tailnet> current_tailnet;  // absent without a network map
  std::vector<std::string> cert_domains;
  std::vector<DnsRecord> extra_records;
  std::vector<PeerStatus> peers;  // printed as an object keyed by node key
  std::map<std::int64_t, UserProfile> users;
  std::optional<HostRouting> routing;  // while the node is up
  friend bool operator==(const Status&, const Status&) = default;
};

std::string to_json(const Status& status);  // tab-indented
std::string to_json_line(const Status& status);
// The answer of `tka/status` where nobody can lock the network: off, and without a key.
std::string lock_status_json(const NodePublicKey& self);
// Fields that are absent or null keep their defaults, so answers of other versions are read, too.
Result<Status, ParseError> parse_status(std::string_view json);

}  // namespace aya::local
