#include "daemon/localapi/local_api.h"

#include <array>

#include "daemon/localapi/call.h"
#include "proto/base/base64.h"

namespace aya::localapi {
namespace {

constexpr std::string_view kHost = "local-tailscaled.sock";
constexpr std::string_view kBase = "/localapi/v0/";

// A browser on this machine can be made to send requests here; it cannot leave these fields out.
bool comes_from_a_web_page(const http::Request& request) {
  const std::string_view host = request.headers.get("Host");
  return (!host.empty() && host != kHost) || request.headers.has("Origin") ||
         request.headers.has("Referer");
}

enum class Access { Anyone, Writers, WritersUnlessGet };

bool needs_writer(Access access, std::string_view method) {
  return access == Access::Writers ||
         (access == Access::WritersUnlessGet && method != "GET" && method != "HEAD");
}

}  // namespace

// A row says who may call a route and with which method; a row without a handler is known to
// clients and not built here, which they understand as "unavailable".
struct LocalApi::Route {
  std::string_view name;  // under kBase; a final slash takes everything below it
  Access access;
  std::string_view denied;  // to callers who may not
  std::string_view method;  // the only one; empty: any
  int wrong_method;         // status and text for the others
  std::string_view use;
  void (LocalApi::*handler)(const Call&);
};

const LocalApi::Route* LocalApi::find_route(std::string_view name) {
  using enum Access;
  // clang-format off
  static constexpr auto kRoutes = std::to_array<Route>({
      {"alpha-set-device-attrs", Writers, "access denied", "PATCH", 405, "only PATCH allowed", nullptr},
      {"bugreport", Anyone, "", "POST", 405, "only POST allowed", &LocalApi::bug_report},
      {"cert/", Writers, "cert access denied", "GET", 405, "use GET", &LocalApi::cert},
      {"check-internet", Writers, "access denied", "POST", 405, "use POST", &LocalApi::check_internet},
      {"check-ip-forwarding", Anyone, "", "", 0, "", &LocalApi::check_ip_forwarding},
      {"check-prefs", Writers, "checkprefs access denied", "POST", 405, "unsupported method", &LocalApi::check_prefs},
      {"check-so-mark-in-use", Anyone, "", "", 0, "", &LocalApi::check_so_mark},
      {"check-udp-gro-forwarding", Anyone, "", "", 0, "", &LocalApi::check_udp_gro},
      {"daemon-logs", Writers, "daemon log access denied", "GET", 405, "use GET", &LocalApi::daemon_logs},
      {"debug", Writers, "debug access denied", "POST", 405, "use POST", &LocalApi::debug},
      {"debug-packet-filter-matches", Writers, "access denied", "GET", 405, "use GET", &LocalApi::filter_matches},
      {"debug-packet-filter-rules", Writers, "access denied", "GET", 405, "use GET", &LocalApi::filter_rules},
      {"derpmap", Anyone, "", "", 0, "", &LocalApi::derp_map},
      {"dial", Anyone, "", "POST", 405, "use POST", &LocalApi::dial},
      {"disconnect-control", Writers, "access denied", "POST", 405, "use POST", nullptr},
      {"dns-config", Anyone, "", "GET", 405, "use GET", &LocalApi::dns_config},
      {"dns-osconfig", Writers, "dns-osconfig dump access denied", "GET", 405, "use GET", &LocalApi::dns_os_config},
      {"dns-query", Writers, "dns-query access denied", "GET", 405, "only GET allowed", &LocalApi::dns_query},
      {"drive/", Writers, "access denied", "", 0, "", &LocalApi::drive},
      {"exit-nodes", Anyone, "", "GET", 405, "use GET", &LocalApi::exit_nodes},
      {"file-put/", Writers, "file access denied", "", 0, "", nullptr},
      {"file-targets", Anyone, "", "GET", 405, "use GET", &LocalApi::file_targets},
      {"files/", Writers, "file access denied", "", 0, "", &LocalApi::files},
      {"goroutines", Writers, "goroutine dump access denied", "", 0, "", nullptr},
      {"id-token", Writers, "id-token access denied", "", 0, "", nullptr},
      {"login-interactive", Writers, "login access denied", "POST", 400, "want POST", &LocalApi::login_interactive},
      {"logout", Writers, "logout access denied", "POST", 400, "want POST", &LocalApi::logout},
      {"logtap", Writers, "logtap access denied", "GET", 405, "use GET", nullptr},
      {"metrics", Writers, "metric access denied", "", 0, "", &LocalApi::internal_counters},
      {"netcheck", Anyone, "", "", 0, "", &LocalApi::netcheck},
      {"peer-by-id", Anyone, "", "GET", 405, "use GET", &LocalApi::peer_by_id},
      {"ping", Anyone, "", "POST", 400, "want POST", &LocalApi::ping},
      {"pprof", Writers, "profile access denied", "", 0, "", nullptr},
      {"prefs", WritersUnlessGet, "prefs write access denied", "", 0, "", &LocalApi::prefs},
      {"profiles/", Writers, "profiles access denied", "", 0, "", &LocalApi::profiles},
      {"query-feature", Anyone, "", "POST", 405, "use POST", nullptr},
      {"reload-config", Writers, "access denied", "POST", 405, "use POST", &LocalApi::reload_config},
      {"reset-auth", Writers, "reset-auth modify access denied", "POST", 405, "use POST", nullptr},
      {"serve-config", WritersUnlessGet, "serve config denied", "", 0, "", &LocalApi::serve_config},
      {"services", Anyone, "", "GET", 405, "use GET", &LocalApi::services},
      {"set-dns", Writers, "access denied", "POST", 400, "want POST", nullptr},
      {"set-expiry-sooner", Writers, "access denied", "POST", 400, "want POST", &LocalApi::set_expiry_sooner},
      {"set-gui-visible", Writers, "access denied", "POST", 405, "use POST", nullptr},
      {"set-udp-gro-forwarding", Writers, "access denied", "POST", 405, "use POST", nullptr},
      {"set-use-exit-node-enabled", Writers, "access denied", "POST", 405, "use POST", &LocalApi::set_use_exit_node_enabled},
      {"shutdown", Writers, "shutdown access denied", "POST", 405, "use POST", &LocalApi::shutdown},
      {"start", Writers, "access denied", "POST", 400, "want POST", &LocalApi::start},
      {"status", Anyone, "", "", 0, "", &LocalApi::status},
      {"suggest-exit-node", Anyone, "", "", 0, "", &LocalApi::suggest_exit_node},
      {"tka/", Anyone, "", "", 0, "", &LocalApi::tka},
      {"update/check", Anyone, "", "GET", 405, "use GET", &LocalApi::update_check},
      {"upload-client-metrics", Anyone, "", "POST", 405, "use POST", nullptr},
      {"user-profile", Anyone, "", "GET", 405, "use GET", &LocalApi::user_profile},
      {"usermetrics", Anyone, "", "GET", 405, "use GET", &LocalApi::user_metrics},
      {"watch-ipn-bus", Anyone, "", "", 0, "", &LocalApi::watch_ipn_bus},
      {"whois", Anyone, "", "", 0, "", &LocalApi::whois},
  });
  // clang-format on
  for (const Route& route : kRoutes) {
    if (name == route.name) return &route;
    if (route.name.ends_with('/') && name.starts_with(route.name)) return &route;
  }
  return nullptr;
}

LocalApi::LocalApi(LocalHost& host, Rng& rng, LocalApiOptions options)
    : host_(host), options_(std::move(options)), bus_(host, rng, options_.version) {}

void LocalApi::handle(
    ExchangeId exchange, const http::Request& request, const Caller& caller, TimePoint now,
    LocalEffects& out) {
  dispatch({exchange, request, caller, now, out});
}

void LocalApi::dispatch(const Call& call) {
  const http::Request& request = call.request;
  if (comes_from_a_web_page(request)) return answer_text(call, 403, "invalid localapi request");
  const std::string_view path = request.path();
  if (path == "/") return answer_text(call, 200, "This is the Ayatori daemon of this machine.");
  const Route* route = path.starts_with(kBase) ? find_route(path.substr(kBase.size())) : nullptr;
  if (route == nullptr) return answer_text(call, 404, "404 page not found");
  if (needs_writer(route->access, request.method) && !may_write(call.caller)) {
    return answer_text(call, 403, route->denied);
  }
  if (!route->method.empty() && request.method != route->method) {
    return answer_text(call, route->wrong_method, route->use);
  }
  if (request.method != "GET") note_reason(request, *route);
  if (route->handler == nullptr) return answer_text(call, 501, "not implemented by this daemon");
  (this->*route->handler)(call);
}

// `down --reason` and `logout --reason` say why, in standard base64.
void LocalApi::note_reason(const http::Request& request, const Route& route) {
  const std::string_view encoded = request.headers.get("X-Tailscale-Reason");
  if (encoded.empty()) return;
  const auto reason = parse_base64(encoded);
  if (reason) host_.note_reason(route.name, as_text(*reason));
}

void LocalApi::closed(ExchangeId exchange) {
  waiting_.erase(exchange);
  bus_.unsubscribe(exchange);
}

bool LocalApi::may_write(const Caller& caller) const {
  if (!caller.uid) return false;
  if (*caller.uid == 0 || *caller.uid == options_.own_uid) return true;
  const std::string operator_user = host_.prefs().operator_user;
  return !operator_user.empty() && host_.uid_of(operator_user) == caller.uid;
}

void LocalApi::answer(ExchangeId to, http::Response response, LocalEffects& out) const {
  http::Headers& headers = response.headers;
  headers.set("Tailscale-Cap", std::to_string(options_.capability_version));
  headers.set(
      "Content-Security-Policy",
      "default-src 'none'; frame-ancestors 'none'; script-src 'none'; script-src-elem 'none'; "
      "script-src-attr 'none'");
  headers.set("X-Frame-Options", "DENY");
  headers.set("X-Content-Type-Options", "nosniff");
  out.answers.push_back({to, std::move(response)});
}

void LocalApi::answer_text(const Call& call, int status, std::string_view text) const {
  answer(call.exchange, http::Response::text(status, std::string(text) + "\n"), call.out);
}

void LocalApi::answer_json(const Call& call, int status, std::string_view json) const {
  answer(call.exchange, http::Response::json(status, json), call.out);
}

void LocalApi::answer_map_part(const Call& call, const local::RawJson& part) const {
  if (part.empty()) return answer_text(call, 503, "no netmap");
  answer_json(call, 200, local::to_json(part));
}

}  // namespace aya::localapi
