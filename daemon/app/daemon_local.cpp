// The daemon's part that answers the local interface: what people ask, and what they want changed.
#include <pwd.h>

#include "daemon/app/daemon.h"
#include "daemon/app/filter_view.h"
#include "daemon/app/logins.h"
#include "daemon/app/map_meaning.h"
#include "daemon/app/metrics.h"
#include "daemon/app/status_view.h"
#include "daemon/app/unapplied_settings.h"
#include "daemon/routing/report.h"
#include "proto/base/version.h"
#include "proto/control/json_text.h"
#include "proto/local/netcheck_report.h"

namespace aya::app {
namespace {

constexpr Duration kPeerApiPatience = 10s;

}  // namespace

local::Status Daemon::status(bool with_peers) const {
  StatusInputs inputs;
  inputs.state = state_;
  const auto* state = known_map();
  inputs.map = state == nullptr ? nullptr : &state->netmap;
  if (has_identity()) inputs.self_key = store_.state().node_key.public_key();
  inputs.host_name = host_name();
  inputs.auth_url = coord_ ? coord_->auth_url() : std::string();
  for (const auto& warning : health()) inputs.health.push_back(warning.text);
  inputs.region_code = [this](RegionId region) {
    return mesh_ ? mesh_->region_code(region) : std::string();
  };
  inputs.runtime = [this](netmap::NodeId node) {
    return mesh_ ? mesh_->runtime(node) : PeerRuntime{};
  };
  if (mesh_) {
    inputs.home = mesh_->home();
    inputs.routing = routing::report(mesh_->routing());
    for (const auto& endpoint : mesh_->endpoints()) {
      inputs.own_endpoints.push_back(endpoint.at.to_text());
    }
  }
  inputs.exit_node = exit_node();
  inputs.now = loop_.wall_now();
  return make_status(inputs, with_peers);
}

local::Prefs Daemon::prefs() const {
  local::Prefs out = prefs_;
  if (out.config) out.config->node_id = store_.state().node_id;
  return out;
}

std::optional<local::WhoIs> Daemon::whois(const localapi::WhoIsQuery& query) const {
  const auto* state = known_map();
  if (state == nullptr) return std::nullopt;
  const control::Node* node =
      query.ip ? find_node(state->netmap, *query.ip) : find_node(state->netmap, *query.key);
  if (node == nullptr) return std::nullopt;
  return make_whois(state->netmap, *node);
}

local::RawJson Daemon::derp_map() const {
  const auto* state = known_map();
  if (state == nullptr || !state->netmap.derp_map) return {};
  return {control::encode(*state->netmap.derp_map)};
}

local::RawJson Daemon::self_node() const {
  const auto* state = known_map();
  return state == nullptr ? local::RawJson{} : local::RawJson{control::encode(state->netmap.self)};
}

local::RawJson Daemon::net_map() const {
  const auto* state = known_map();
  return state == nullptr ? local::RawJson{} : make_net_map(state->netmap);
}

local::RawJson Daemon::dns_config() const {
  const auto* state = known_map();
  if (state == nullptr) return {};
  return {control::encode(state->netmap.dns.value_or(control::DnsConfig{}))};
}

local::RawJson Daemon::filter_rules() const {
  const auto* state = known_map();
  return state == nullptr ? local::RawJson{} : show_filter_rules(state->netmap.filter_rules());
}

local::RawJson Daemon::filter_matches() const {
  const auto* state = known_map();
  return state == nullptr ? local::RawJson{} : show_filter_matches(state->netmap.filter_rules());
}

local::DnsOsConfig Daemon::dns_os_config() const {
  const host_dns::State& dns = host_->dns();
  local::DnsOsConfig out;
  out.nameservers = dns.base.nameservers;
  out.search_domains = dns.base.search_domains;
  out.mode = host_dns::to_text(dns.mode);
  out.applied = dns.applied.has_value();
  out.split = dns.applied && host_dns::splits(dns.mode) && !dns.applied->all_names;
  return out;
}

local::RawJson Daemon::peer(std::int64_t node_id) const {
  const auto* state = known_map();
  if (state == nullptr) return {};
  const auto found = state->netmap.peers.find(netmap::NodeId{node_id});
  if (found == state->netmap.peers.end()) return {};
  return {control::encode(found->second)};
}

std::size_t Daemon::peer_count() const {
  const auto* state = known_map();
  return state == nullptr ? 0 : state->netmap.peers.size();
}

local::EngineUpdate Daemon::engine() const {
  local::EngineUpdate out;
  const auto* state = map_state();
  if (!mesh_ || state == nullptr) return out;
  out.live_relays = static_cast<int>(mesh_->live_relays());
  for (const auto& [id, peer] : state->netmap.peers) {
    const PeerRuntime runtime = mesh_->runtime(id);
    if (!runtime.stats) continue;
    out.rx_bytes += runtime.stats->rx_bytes;
    out.tx_bytes += runtime.stats->tx_bytes;
    if (!runtime.stats->has_session) continue;
    out.live_peers.push_back(
        {peer.key, runtime.stats->tx_bytes, runtime.stats->rx_bytes,
         runtime.stats->last_handshake});
  }
  return out;
}

std::vector<local::HealthWarning> Daemon::health() const {
  std::vector<local::HealthWarning> out;
  const auto* state = map_state();
  if (prefs_.want_running && coord_ && !coord_->in_poll() && !last_problem_.empty()) {
    local::HealthWarning warning;
    warning.code = "not-in-map-poll";
    warning.severity = "medium";
    warning.title = "Out of sync";
    warning.text = "Unable to reach the Ayatori coordination server: " + last_problem_;
    out.push_back(std::move(warning));
  }
  if (!prefs_.want_running && !prefs_.resume_at.empty()) {
    out.push_back(
        {"down-for-a-while", "low", "Disconnected for a while",
         "Disconnected by request; it connects again by itself at " + prefs_.resume_at + ".",
         std::nullopt, true});
  }
  if (!mesh_problem_.empty()) {
    out.push_back({"no-network", "high", "Not connected", mesh_problem_, std::nullopt, true});
  }
  for (const firewall::Problem& problem : host_->firewall().problems()) {
    out.push_back(
        {problem.code, "medium", "Firewall or forwarding", problem.text, std::nullopt, false});
  }
  if (armed_.value_or(false) && state_ != local::BackendState::Running) {
    out.push_back(
        {"kill-switch-armed", "medium", "Traffic is blocked", std::string(kKillSwitchText),
         std::nullopt, true});
  }
  if (mesh_) {
    for (const std::string& text : mesh_->health()) {
      out.push_back({"relay", "medium", "Relay server unavailable", text, std::nullopt, false});
    }
    for (auto& warning : routing::warnings(mesh_->routing())) out.push_back(std::move(warning));
    if (host_->routes_contested()) {
      out.push_back(
          {"routing-contested", "medium", "Routing rules keep vanishing",
           "Another program keeps deleting the routing rules of the mesh; with systemd-networkd, "
           "set ManageForeignRoutingPolicyRules=no in networkd.conf.",
           std::nullopt, true});
    }
  }
  if (const auto& problem = host_->dns().problem; mesh_ && problem) {
    out.push_back(
        {problem->code, "medium", "Names may not resolve", problem->text, std::nullopt, false});
  }
  const control::Node* exit = mesh_ ? exit_node_peer() : nullptr;
  if (exit != nullptr && !exit->online.value_or(true)) {
    out.push_back(
        {"exit-node-offline", "high", "Exit node offline",
         "The exit node " + display_name(*exit) + " is offline.", std::nullopt, true});
  }
  if (prefs_.want_running) {
    for (local::HealthWarning& warning : unapplied_settings(prefs_)) {
      out.push_back(std::move(warning));
    }
  }
  if (state != nullptr) {
    for (const auto& [code, message] : state->netmap.messages()) {
      out.push_back(
          {code, message.severity, message.title, message.text, std::nullopt,
           message.impacts_connectivity});
    }
  }
  return out;
}

std::vector<local::PeerSession> Daemon::peer_sessions() const {
  std::vector<local::PeerSession> out;
  const auto* state = map_state();
  if (!mesh_ || state == nullptr) return out;
  for (const auto& [id, peer] : state->netmap.peers) {
    const PeerRuntime runtime = mesh_->runtime(id);
    if (!runtime.stats) continue;
    const bool session = runtime.stats->has_session;
    out.push_back(
        {peer.stable_id,
         session ? local::PeerSessionState::Established : local::PeerSessionState::None,
         runtime.stats->last_handshake});
  }
  return out;
}

std::optional<std::uint32_t> Daemon::uid_of(const std::string& user) const {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0) return {};
  if (found == nullptr) return std::nullopt;
  return entry.pw_uid;
}

local::UserMetrics Daemon::metrics() const {
  local::UserMetrics out;
  out.totals = past_totals_;
  if (mesh_) {
    out.totals.add(totals_of(mesh_->dataplane()));
    out.home_region = mesh_->home();
  }
  out.advertised_routes = advertised_routes(prefs_);
  if (const auto* state = known_map()) {
    out.approved_routes = approved_routes(state->netmap.self, prefs_);
  }
  out.health_warnings = health().size();
  out.control_connected = coord_ && coord_->in_poll();
  out.version = kVersion;
  return out;
}

std::vector<local::InternalCounter> Daemon::internal_counters() const {
  if (!mesh_) return {};
  return counters_of(
      mesh_->dataplane(), host_->tun().counters(), flow_logging_.counters());
}

local::LogLines Daemon::log_lines(std::uint64_t after) const {
  Logger::Recent recent = log_.since(after);
  return {recent.next, std::move(recent.lines)};
}

// Where forwarding is needed we switch it on: what there is to tell is that this failed.
std::string Daemon::ip_forwarding_problem() const {
  for (const firewall::Problem& problem : host_->firewall().problems()) {
    if (problem.code == firewall::kForwardingProblem) return problem.text;
  }
  return {};
}

std::vector<local::LoginProfile> Daemon::profiles() const { return list_logins(store_.state()); }
local::LoginProfile Daemon::current_profile() const { return describe(store_.state()); }

// What runs belongs to the login that is left.
template <class Change>
std::optional<std::string> Daemon::change_login(Change change) {
  bring_down();
  last_map_.reset();
  auth_key_.clear();
  somebody_waits_ = false;
  const auto saved = store_.update(change);
  if (!saved) {
    reconcile();
    return saved.error().message();
  }
  const auto prefs = local::parse_prefs(store_.state().prefs);
  prefs_ = prefs ? *prefs : local::Prefs{};
  reconcile();
  return std::nullopt;
}

std::optional<std::string> Daemon::new_profile() {
  if (auto refused = locked()) return refused;
  return change_login([this](state::NodeState& state) { begin_login(state, rng_); });
}

std::optional<std::string> Daemon::switch_profile(const std::string& id) {
  if (store_.state().name_key == id) return std::nullopt;
  if (auto refused = locked()) return refused;
  return change_login([&id](state::NodeState& state) { enter_login(state, id); });
}

std::optional<std::string> Daemon::delete_profile(const std::string& id) {
  if (auto refused = locked()) return refused;
  const auto remove = [this, &id](state::NodeState& state) { remove_login(state, id, rng_); };
  if (store_.state().name_key == id) return change_login(remove);
  const auto saved = store_.update(remove);
  if (!saved) return saved.error().message();
  return std::nullopt;
}

std::optional<std::string> Daemon::exit_node_refusal(const local::Prefs& next) const {
  if (local::exit_node_choice(next).empty() || host_->route_abilities().policy_routing) return {};
  return "an exit node cannot be used: this kernel has no policy routing "
         "(CONFIG_IP_MULTIPLE_TABLES), so the tunnel itself would be led into the tunnel";
}

std::optional<std::string> Daemon::set_prefs(const local::Prefs& next) {
  if (auto refused = locked()) return refused;
  const bool other_server =
      next.control_url != prefs_.control_url || next.server_cert_pin != prefs_.server_cert_pin;
  const std::string exit_before = local::exit_node_choice(prefs_);
  const bool other_exit = exit_before != local::exit_node_choice(next);
  if (other_exit) {
    if (auto refused = exit_node_refusal(next)) return refused;
  }
  if (auto problem = save(next)) return problem;
  if (other_exit && !exit_before.empty()) {
    const auto saved =
        store_.update([&](state::NodeState& state) { state.previous_exit_node = exit_before; });
    if (!saved) return saved.error().message();
  }
  somebody_waits_ = next.want_running;
  const local::Prefs before = std::exchange(prefs_, next);
  keep_exit_choice();
  if (other_server) {
    // Another account: the key belongs to the old one. A new pin alone keeps it.
    bring_down();
    last_map_.reset();
    if (next.control_url != before.control_url && has_identity()) {
      const auto saved = store_.update([](state::NodeState& state) {
        state.name_key.clear();
        state.network = {};
        state.node_key = {};
        state.old_node_key = {};
        state.node_id.clear();
        state.profile = {};
      });
      if (!saved) return saved.error().message();
    }
  }
  reconcile();
  if (mesh_ && map_state() != nullptr) mesh_->reapply(*map_state(), prefs_);
  if (other_exit) on_exit_node_changed();
  tell_coord();
  return std::nullopt;
}

std::optional<std::string> Daemon::start(const local::StartRequest& request) {
  somebody_waits_ = true;
  if (!request.auth_key.empty()) auth_key_ = request.auth_key;
  if (request.update_prefs) return set_prefs(*request.update_prefs);
  reconcile();
  return std::nullopt;
}

void Daemon::login_interactive() {
  if (prefs_.control_url.empty()) {
    announce_error("no server to log in to; run `ayatori up --login-server URL`");
    return;
  }
  somebody_waits_ = true;
  if (!coord_) open_coord();
  if (!coord_) return;
  tell_coord();
  coord::LoginWish wish;
  wish.renew = has_identity();
  if (!auth_key_.empty()) wish.auth_key = std::exchange(auth_key_, {});
  coord_->login(wish);
}

void Daemon::logout() {
  if (coord_ && has_identity()) {
    coord_->logout();
  } else {
    forget_login();
    refresh_state();
  }
}

std::string Daemon::mark_log(const std::string& note) {
  std::string when = to_rfc3339(std::chrono::floor<std::chrono::seconds>(loop_.wall_now()));
  std::erase_if(when, [](char c) { return c == '-' || c == ':' || c == 'T'; });
  const std::string marker = "BUG-" + log_id_ + "-" + when + "-" + to_hex(rng_.array<8>());
  log_.info("somebody asks for help", {{"marker", marker}, {"note", note}});
  return marker;
}

void Daemon::note_reason(std::string_view route, std::string_view reason) {
  log_.info("a change is asked for", {{"route", route}, {"reason", reason}});
}

void Daemon::shutdown() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) loop_.stop();
  });
}

void Daemon::rebind() {
  if (mesh_) mesh_->rebind();
}

void Daemon::restun() {
  if (mesh_) mesh_->restun();
}

void Daemon::ping(localapi::ExchangeId exchange, const localapi::PingRequest& request) {
  local::PingResult result;
  result.ip = request.ip.to_text();
  const auto* state = map_state();
  const control::Node* node = state == nullptr ? nullptr : find_node(state->netmap, request.ip);
  if (node == nullptr || !mesh_) {
    result.err = mesh_ ? "no matching peer" : "the node is not up";
  } else if (node == &state->netmap.self) {
    result.is_local_ip = true;
    result.node_ip = result.ip;
    result.node_name = display_name(*node);
    result.err = request.ip.to_text() + " is local Tailscale IP";
  } else if (request.type == local::PingType::PeerApi) {
    return ping_peer_api(exchange, request, *node);
  } else {
    const path::PingId id{exchange.value};
    pings_[id] = request;
    if (send_ping(*node, id, request)) return;
    pings_.erase(id);
    result.err = "no matching peer";
  }
  // Not from within the call that asks.
  loop_.post([this, exchange, result, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) local_->ping_done(exchange, result);
  });
}

bool Daemon::send_ping(
    const control::Node& node, path::PingId id, const localapi::PingRequest& request) {
  // A plain WireGuard device knows neither DISCO nor TSMP; its host answers an echo.
  const auto type = node.is_wireguard_only ? local::PingType::Icmp : request.type;
  if (type == local::PingType::Disco) return mesh_->ping(node.id, id, request.size);
  const auto kind =
      type == local::PingType::Tsmp ? dataplane::InnerPing::Tsmp : dataplane::InnerPing::Icmp;
  return mesh_->inner_ping(node.id, id, kind, request.ip);
}

// Through the host's own routing, as any program would call it.
void Daemon::ping_peer_api(
    localapi::ExchangeId exchange, const localapi::PingRequest& request,
    const control::Node& node) {
  local::PingResult result;
  result.ip = request.ip.to_text();
  result.node_ip = request.ip.to_text();
  result.node_name = node.name;  // all of it, in these pings alone
  result.peer_api_url = peer_api_url(node, request.ip).value_or("");
  const auto finish = [this, exchange,
                       alive = std::weak_ptr<int>(alive_)](const local::PingResult& done) {
    loop_.post([this, exchange, done, alive] {
      if (alive.expired()) return;
      peer_api_pings_.erase(exchange);
      local_->ping_done(exchange, done);
    });
  };
  if (result.peer_api_url.empty()) {
    result.err = "peer " + result.node_name + " has no PeerAPI";
    return finish(result);
  }
  io::HttpFetch fetch;
  fetch.url = result.peer_api_url + "/";
  fetch.method = "HEAD";
  fetch.timeout = kPeerApiPatience;
  const TimePoint began = loop_.now();
  peer_api_pings_[exchange] = std::make_unique<io::HttpClient>(
      loop_, std::move(fetch),
      [this, result, finish, began](const Result<http::Response, io::IoError>& answer) mutable {
        if (!answer) result.err = "PeerAPI: " + answer.error().detail;
        if (answer) {
          result.latency_seconds = std::chrono::duration<double>(loop_.now() - began).count();
        }
        finish(result);
      });
}

void Daemon::netcheck(localapi::ExchangeId exchange) {
  if (mesh_) {
    netchecks_.push_back(exchange);
    mesh_->start_netcheck();
    return;
  }
  loop_.post([this, exchange, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired())
      local_->netcheck_done(exchange, {local::to_json(local::NetcheckReport{})});
  });
}

void Daemon::dns_query(localapi::ExchangeId exchange, const localapi::DnsQuery& query) {
  const auto done = [this, exchange, alive = std::weak_ptr<int>(alive_)](
                        const Result<local::DnsAnswer, localapi::DnsFailure>& outcome) {
    if (alive.expired()) return;
    dns_queries_.erase(exchange);
    local_->dns_query_done(exchange, outcome);
  };
  localapi::DnsFailure failure;
  if (!mesh_ || map_state() == nullptr) {
    failure = {"no network map yet; is the node up?", true};
  } else if (!mesh_->ask_name(query.name, query.type, done)) {
    failure = {"'" + query.name + "' cannot be a DNS name", false};
  } else {
    dns_queries_.insert(exchange);
    return;
  }
  loop_.post([done, failure] { done(failure); });  // not from within the call that asks
}

void Daemon::dial(localapi::ExchangeId exchange, const localapi::DialRequest& request) {
  dialler_.dial(exchange, request);
}

// The mesh that would have answered is gone.
void Daemon::end_dns_queries() {
  for (const auto exchange : std::exchange(dns_queries_, {})) {
    loop_.post([this, exchange, alive = std::weak_ptr<int>(alive_)] {
      const localapi::DnsFailure gone{"the node went down before there was an answer", true};
      if (!alive.expired()) local_->dns_query_done(exchange, gone);
    });
  }
}

}  // namespace aya::app
