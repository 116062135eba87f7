// Everything the local interface may ask of the daemon. The daemon implements it; routes and the
// bus call it, on the daemon's loop thread, and never keep a reference into what it returns.
//
// Calls that take an ExchangeId begin something that ends later: the daemon reports the end to
// LocalApi (ping_done, netcheck_done, dns_query_done, dial_done, later_done) with the same id,
// whether or not the caller still waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/base/result.h"
#include "proto/keys/public_key.h"
#include "proto/local/dns_answer.h"
#include "proto/local/dns_os_config.h"
#include "proto/local/exit_nodes.h"
#include "proto/local/log_lines.h"
#include "proto/local/login_profile.h"
#include "proto/local/notify.h"
#include "proto/local/ping_result.h"
#include "proto/local/prefs.h"
#include "proto/local/start_request.h"
#include "proto/local/status.h"
#include "proto/local/user_metrics.h"
#include "proto/local/whois.h"
#include "proto/netaddr/ip_address.h"

namespace aya::localapi {

// One request and its answer; numbered by the link, never reused while the daemon runs.
using ExchangeId = StrongId<struct LocalExchangeTag, std::uint64_t>;

struct PingRequest {
  IpAddress ip;
  local::PingType type = local::PingType::Disco;
  std::size_t size = 0;  // bytes of the whole packet to pad to; 0: as small as it is
};

struct InternetRequest {
  Duration timeout{};
  std::string without;  // names of tests that are not wanted, with commas between
};

// Exactly one of the two is set.
struct WhoIsQuery {
  std::optional<IpAddress> ip;
  std::optional<NodePublicKey> key;
};

struct DnsQuery {
  std::string name;  // as typed, with or without its final dot
  std::uint16_t type = 0;
};
struct DnsFailure {
  std::string text;
  bool not_ready = false;  // before there is a network map
};

// A TCP connection that a client wants through the daemon.
struct DialRequest {
  std::string host;  // name or address
  std::uint16_t port = 0;
  std::optional<bool> v4;  // only that family
};
struct DialOutcome {
  enum class Kind {
    Connected,
    Elsewhere,  // not in the network: `text` is the endpoint, for the client to connect to itself
    Failed,     // `text`: why, as programs know it
  };
  Kind kind = Kind::Failed;
  std::string text;
};

struct ConfigReload {
  bool reloaded = false;  // false without a file
  std::string err;
};

class LocalHost {
 public:
  virtual ~LocalHost() = default;

  // What is. `status` may leave out the peers when they are not asked for.
  virtual local::Status status(bool with_peers) const = 0;
  virtual local::Prefs prefs() const = 0;
  virtual std::optional<local::WhoIs> whois(const WhoIsQuery& query) const = 0;
  virtual local::RawJson derp_map() const = 0;    // empty before the first network map
  virtual local::RawJson self_node() const = 0;   // a node object; empty before the first map
  virtual local::RawJson net_map() const = 0;     // as netmap.NetworkMap prints; may be long
  virtual local::RawJson dns_config() const = 0;  // as the server sent it; empty before that
  // The packet filter, as sent and as understood: an array each; empty before the first map.
  virtual local::RawJson filter_rules() const = 0;
  virtual local::RawJson filter_matches() const = 0;
  virtual local::DnsOsConfig dns_os_config() const = 0;
  virtual local::RawJson peer(std::int64_t node_id) const = 0;  // a node object, or empty
  virtual std::size_t peer_count() const = 0;
  virtual local::EngineUpdate engine() const = 0;
  virtual std::vector<local::HealthWarning> health() const = 0;
  virtual std::vector<local::PeerSession> peer_sessions() const = 0;
  virtual std::optional<std::uint32_t> uid_of(const std::string& user) const = 0;
  virtual local::UserMetrics metrics() const = 0;
  // Drop and event counters by name, for whoever looks for a fault.
  virtual std::vector<local::InternalCounter> internal_counters() const = 0;
  // What was logged after the line of that number; old lines are forgotten.
  virtual local::LogLines log_lines(std::uint64_t after) const = 0;
  // Why other nodes' traffic would not be passed on; empty: it would.
  virtual std::string ip_forwarding_problem() const = 0;

  // The logins of this machine, by name; only one is in use. The one in use is in the list once it
  // has succeeded.
  virtual std::vector<local::LoginProfile> profiles() const = 0;
  virtual local::LoginProfile current_profile() const = 0;

  // What is to be. The optional text is the refusal, a sentence for a person; nullopt: accepted.
  // Prefs arrive complete and already checked against local::refusal().
  virtual std::optional<std::string> set_prefs(const local::Prefs& next) = 0;
  virtual std::optional<std::string> start(const local::StartRequest& request) = 0;
  virtual std::optional<std::string> new_profile() = 0;  // an empty one, and enters it
  // `id` is one of profiles().
  virtual std::optional<std::string> switch_profile(const std::string& id) = 0;
  virtual std::optional<std::string> delete_profile(const std::string& id) = 0;
  virtual void login_interactive() = 0;  // the URL is announced on the bus when it is known
  virtual void logout() = 0;
  // Notes in the log that somebody asked for help, and returns the mark that was left there: the
  // log and the report are found together. BUG-<64 hex>-<20260102030405>Z-<16 hex>.
  virtual std::string mark_log(const std::string& note) = 0;
  // Why somebody asks for the change that follows.
  virtual void note_reason(std::string_view route, std::string_view reason) = 0;
  virtual ConfigReload reload_config() = 0;
  virtual void shutdown() = 0;  // after the answer has been written
  virtual void rebind() = 0;    // reopen the UDP socket
  virtual void restun() = 0;    // ask again for our own endpoints

  virtual void ping(ExchangeId exchange, const PingRequest& request) = 0;
  virtual void netcheck(ExchangeId exchange) = 0;
  virtual void dns_query(ExchangeId exchange, const DnsQuery& query) = 0;
  virtual void dial(ExchangeId exchange, const DialRequest& request) = 0;

  // Exit nodes. The error is for a program to show: it is too early to say.
  virtual Result<local::ExitNodeSuggestion, std::string> suggest_exit_node() const = 0;
  // With `probe`, they are pinged first, for a second at most.
  virtual void exit_nodes(ExchangeId exchange, bool probe) = 0;
  virtual void check_internet(ExchangeId exchange, const InternetRequest& request) = 0;
};

}  // namespace aya::localapi
