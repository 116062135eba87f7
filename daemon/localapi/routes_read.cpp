// The routes that only look, and the bus.
#include "daemon/localapi/call.h"
#include "proto/base/parse_number.h"
#include "proto/netaddr/endpoint.h"

namespace aya::localapi {
namespace {

using namespace local;

// "100.64.0.2", "100.64.0.2:22", "[fd7a::2]:80" or "nodekey:…".
std::optional<WhoIsQuery> parse_who(const std::string& text) {
  if (text.starts_with(NodeRole::kPublicPrefix)) {
    const auto key = NodePublicKey::parse(text);
    return key ? std::optional(WhoIsQuery{.ip = {}, .key = key}) : std::nullopt;
  }
  if (const auto ip = IpAddress::parse(text)) return WhoIsQuery{.ip = ip, .key = {}};
  if (const auto at = Endpoint::parse(text)) return WhoIsQuery{.ip = at->address, .key = {}};
  return std::nullopt;
}

std::optional<PingType> parse_ping_type(std::string_view text) {
  for (const PingType type : {PingType::Disco, PingType::Tsmp, PingType::Icmp, PingType::PeerApi}) {
    if (text == to_text(type)) return type;
  }
  return std::nullopt;
}

constexpr std::size_t kMaxPingSize = 65535;

}  // namespace

void LocalApi::status(const Call& call) {
  const bool with_peers = call.query("peers") != "false";
  answer_json(call, 200, to_json(host_.status(with_peers)));
}

void LocalApi::derp_map(const Call& call) { answer_json(call, 200, to_json(host_.derp_map())); }

void LocalApi::whois(const Call& call) {
  const std::string address = call.query("addr");
  if (address.empty()) return answer_text(call, 400, "missing 'addr' parameter");
  const auto query = parse_who(address);
  if (!query) return answer_text(call, 400, "invalid 'addr' parameter");
  const auto who = host_.whois(*query);
  if (!who) return answer_text(call, 404, "no match for IP:port");
  answer_json(call, 200, to_json(*who));
}

void LocalApi::user_profile(const Call& call) {
  const auto id = parse_number<std::int64_t>(call.query("id"));
  if (!id) return answer_text(call, 400, "invalid 'id' parameter");
  const Status known = host_.status(true);
  const auto user = known.users.find(*id);
  if (user == known.users.end()) return answer_text(call, 404, "no user with that UserID");
  answer_json(call, 200, to_json(user->second));
}

void LocalApi::ping(const Call& call) {
  const std::string ip_text = call.query("ip");
  if (ip_text.empty()) return answer_text(call, 400, "missing 'ip' parameter");
  const auto ip = IpAddress::parse(ip_text);
  if (!ip) return answer_text(call, 400, "invalid IP");
  const std::string type_text = call.query("type");
  if (type_text.empty()) return answer_text(call, 400, "missing 'type' parameter");
  const auto type = parse_ping_type(type_text);
  if (!type) return answer_text(call, 400, "unknown ping type");
  PingRequest request{.ip = *ip, .type = *type, .size = 0};
  if (const std::string size_text = call.query("size"); !size_text.empty()) {
    const auto size = parse_number<std::size_t>(size_text);
    if (!size || *size > kMaxPingSize) return answer_text(call, 400, "invalid 'size' parameter");
    if (*size != 0 && *type != PingType::Disco) {
      return answer_text(call, 400, "'size' parameter is only supported with disco pings");
    }
    request.size = *size;
  }
  waiting_.insert(call.exchange);

  // What needs no packet is answered here; a failed ping is an answer, too.
  PingResult known;
  known.ip = ip_text;
  const Status self = host_.status(false);
  for (const IpAddress& own : self.tailscale_ips) known.is_local_ip |= own == *ip;
  if (self.backend_state == BackendState::Stopped) {
    known.err = "local daemon stopped";
    known.is_local_ip = false;
  } else if (known.is_local_ip) {
    known.err = ip_text + " is local Tailscale IP";
  }
  if (!known.err.empty()) return ping_done(call.exchange, known, call.out);
  host_.ping(call.exchange, request);
}

void LocalApi::ping_done(ExchangeId exchange, const PingResult& result, LocalEffects& out) {
  if (waiting_.erase(exchange) == 0) return;
  answer(exchange, http::Response::json(200, to_json_line(result) + "\n"), out);
}

void LocalApi::netcheck(const Call& call) {
  waiting_.insert(call.exchange);
  host_.netcheck(call.exchange);
}

void LocalApi::netcheck_done(ExchangeId exchange, const RawJson& report, LocalEffects& out) {
  if (waiting_.erase(exchange) == 0) return;
  answer(exchange, http::Response::json(200, to_json(report)), out);
}

void LocalApi::peer_by_id(const Call& call) {
  const auto id = parse_number<std::int64_t>(call.query("id"));
  if (!id) return answer_text(call, 400, "invalid 'id' parameter");
  const RawJson node = host_.peer(*id);
  if (node.empty()) return answer_text(call, 404, "no peer with that NodeID");
  answer_json(call, 200, to_json(node));
}

void LocalApi::user_metrics(const Call& call) {
  http::Response response = http::Response::text(200, to_prometheus(host_.metrics()));
  response.headers.set("Content-Type", "text/plain;version=0.0.4;charset=utf-8");
  answer(call.exchange, std::move(response), call.out);
}

void LocalApi::internal_counters(const Call& call) {
  http::Response response = http::Response::text(200, to_prometheus(host_.internal_counters()));
  response.headers.set("Content-Type", "text/plain");
  answer(call.exchange, std::move(response), call.out);
}

void LocalApi::check_ip_forwarding(const Call& call) {
  answer_json(call, 200, error_json("Warning", host_.ip_forwarding_problem()) + "\n");
}

// Our sockets carry a mark, by which the host's rules tell them from what goes into the tunnel.
void LocalApi::check_so_mark(const Call& call) { answer_json(call, 200, "{\"UseSOMark\":true}\n"); }

// Offloads of the host's interfaces are left as they are, and nothing is said about them.
void LocalApi::check_udp_gro(const Call& call) {
  answer_json(call, 200, error_json("Warning", "") + "\n");
}

// Ours: {"Next":N,"Lines":[...]}, what was logged after line `after`; ask again with Next.
void LocalApi::daemon_logs(const Call& call) {
  const std::string text = call.query("after");
  const auto after =
      text.empty() ? std::optional<std::uint64_t>(0) : parse_number<std::uint64_t>(text);
  if (!after) return answer_text(call, 400, "invalid 'after' parameter");
  answer_json(call, 200, to_json_line(host_.log_lines(*after)) + "\n");
}

// One line to find this moment in the log by. Nothing is uploaded; `ayatori bugreport` packs what a
// person may want to send.
void LocalApi::bug_report(const Call& call) {
  const std::string marker = host_.mark_log(call.query("note"));
  http::Response response = http::Response::text(200, marker + "\n");
  response.headers.set("Content-Type", "text/plain");
  answer(call.exchange, std::move(response), call.out);
}

void LocalApi::watch_ipn_bus(const Call& call) {
  const std::string text = call.query("mask");
  const auto mask =
      text.empty() ? std::optional<std::uint64_t>(0) : parse_number<std::uint64_t>(text);
  if (!mask) return answer_text(call, 400, "bad mask");
  if (const auto refused = Bus::refusal(*mask)) return answer_text(call, 400, *refused);
  LocalEffects head;
  answer_json({call.exchange, call.request, call.caller, call.now, head}, 200, "");
  call.out.streams.push_back({call.exchange, std::move(head.answers.front().response)});
  bus_.subscribe(call.exchange, *mask, call.now, call.out);
}

// Features that are absent answer as if there were nothing of theirs, where clients ask again and
// again and would complain about anything else.

void LocalApi::file_targets(const Call& call) { answer_json(call, 200, "[]\n"); }

void LocalApi::files(const Call& call) {
  const std::string_view path = call.request.path();
  if (call.request.method != "GET") {
    return answer_text(call, 501, "file transfer is not implemented by this daemon");
  }
  if (path.ends_with('/')) return answer_json(call, 200, "[]\n");
  const auto name = http::percent_decode(path.substr(path.rfind('/') + 1));
  answer_text(call, 500, "open " + name.value_or("it") + ": no such file or directory");
}

void LocalApi::drive(const Call& call) {
  if (std::ranges::count(host_.status(false).self.capabilities, "drive:share") > 0) {
    return answer_text(call, 501, "file shares are not implemented by this daemon");
  }
  answer_text(
      call, 403,
      "taildrive sharing not enabled, please add the attribute \"drive:share\" to this node in "
      "your "
      "ACLs' \"nodeAttrs\" section");
}

void LocalApi::cert(const Call& call) {
  if (host_.status(false).cert_domains.empty()) {
    return answer_text(call, 500, "your Tailscale account does not support getting TLS certs");
  }
  answer_text(call, 501, "certificates are not fetched by this daemon");
}

void LocalApi::filter_rules(const Call& call) { answer_map_part(call, host_.filter_rules()); }

void LocalApi::filter_matches(const Call& call) { answer_map_part(call, host_.filter_matches()); }

void LocalApi::services(const Call& call) { answer_json(call, 200, "{}\n"); }

void LocalApi::tka(const Call& call) {
  if (!call.request.path().ends_with("/status")) {
    return answer_text(call, 501, "locking a network is not implemented by this daemon");
  }
  answer_json(call, 200, lock_status_json(host_.status(false).self.public_key));
}

void LocalApi::dns_os_config(const Call& call) {
  answer_json(call, 200, to_json_line(host_.dns_os_config()) + "\n");
}

void LocalApi::update_check(const Call& call) {
  answer_text(call, 200, "{\"RunningLatest\":true}");  // deployed daemons call it text
}

}  // namespace aya::localapi
