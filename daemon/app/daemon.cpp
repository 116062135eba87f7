#include "daemon/app/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "daemon/app/firewall_meaning.h"
#include "daemon/app/logins.h"
#include "daemon/app/map_meaning.h"
#include "daemon/app/metrics.h"
#include "daemon/app/server_questions.h"
#include "daemon/app/unapplied_settings.h"
#include "daemon/netmap/expiry.h"
#include "proto/base/hex.h"
#include "proto/base/version.h"
#include "proto/control/capability_version.h"
#include "proto/control/json_text.h"
#include "proto/local/config_file.h"
#include "proto/local/netcheck_report.h"

namespace aya::app {
namespace {

constexpr mode_t kSocketFolderMode = 0755;
constexpr mode_t kNoteMode = 0644;
constexpr unsigned kOverlayMtu = 1280;  // dataplane 2.7
// The same port after a restart keeps what routers and peers remember of us good.
constexpr std::uint16_t kUsualPort = 41641;

local::NetcheckReport to_local(const netcheck::Report& report, WallTime now) {
  local::NetcheckReport out;
  out.now = now;
  out.udp = report.udp;
  out.ipv4 = report.ipv4;
  out.ipv6 = report.ipv6;
  out.ipv4_can_send = report.ipv4_can_send;
  out.ipv6_can_send = report.ipv6_can_send;
  out.os_has_ipv6 = report.os_has_ipv6;
  out.mapping_varies_by_dest_ip = report.mapping_varies_by_dest_ip;
  out.upnp = report.upnp;
  out.pmp = report.pmp;
  out.pcp = report.pcp;
  out.captive_portal = report.captive_portal;
  out.preferred_derp = report.preferred_relay;
  out.region_latency = report.region_latency;
  out.region_v4_latency = report.region_v4_latency;
  out.region_v6_latency = report.region_v6_latency;
  if (report.global_v4) out.global_v4 = report.global_v4->to_text();
  if (report.global_v6) out.global_v6 = report.global_v6->to_text();
  return out;
}

// As tailscaled reads it; --no-portmap is the same.
bool port_mapping_is_disabled() {
  const char* value = std::getenv("TS_DISABLE_PORTMAPPER");
  if (value == nullptr) return false;
  const std::string_view text = value;
  return text == "1" || text == "t" || text == "T" || text == "true" || text == "True" ||
         text == "TRUE";
}

// As tailscaled reads it: "nftables", "iptables" or "auto".
std::string firewall_kind() {
  const char* value = std::getenv("TS_DEBUG_FIREWALL_MODE");
  return value == nullptr ? std::string() : std::string(value);
}

std::string machine_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "node";
  return name;
}

}  // namespace

// ---- start and end

Result<std::unique_ptr<Daemon>, std::string> Daemon::open(
    io::Loop& loop, Logger& log, const Options& options) {
  SystemRng rng;
  auto store = state::StateStore::open(options.state_path(), rng);
  if (!store) return store.error().message();
  std::unique_ptr<Daemon> daemon(new Daemon(loop, log, options, std::move(*store)));
  if (auto problem = daemon->open_parts()) return *std::move(problem);
  daemon->reconcile();
  return daemon;
}

Daemon::Daemon(io::Loop& loop, Logger& log, const Options& options, state::StateStore store)
    : loop_(loop),
      log_(log),
      options_(options),
      store_(std::move(store)),
      disco_key_(DiscoPrivateKey::generate(rng_)),
      log_id_(to_hex(rng_.array<32>())),
      roots_(tls::TlsTrust::roots()),
      flow_logging_(loop, rng_, *this),
      dialler_(
          loop,
          [this] {
            const auto* state = map_state();
            return Dialler::Network{
                state == nullptr ? nullptr : &state->netmap, mesh_ ? &mesh_->routing() : nullptr};
          },
          [this](
              localapi::ExchangeId exchange, const localapi::DialOutcome& outcome,
              std::unique_ptr<io::ByteStream> stream) {
            local_->dial_done(exchange, outcome, std::move(stream));
          }),
      expiry_timer_(
          loop,
          [this] {
            if (mesh_ && map_state() != nullptr) mesh_->reapply(*map_state(), prefs_);
            refresh_state();
            arm_expiry();
          }),
      resume_timer_(loop, [this] { arm_resume(); }) {}

Daemon::~Daemon() {
  alive_.reset();
  local_.reset();
  mesh_.reset();
  coord_.reset();
}

std::optional<std::string> Daemon::open_parts() {
  if (!store_.state().prefs.empty()) {
    auto stored = local::parse_prefs(store_.state().prefs);
    if (!stored) {
      return "the settings inside " + options_.state_path() + " cannot be read (" + stored.error() +
             "); move that file away to begin afresh";
    }
    prefs_ = *std::move(stored);
  }
  if (!options_.config.empty()) {
    if (auto problem = read_config()) return problem;
  }
  // The socket first: while another daemon has it, this host is that one's business.
  if (auto problem = open_local()) return problem;
  return open_host();
}

std::optional<std::string> Daemon::open_local() {
  // /run is empty after every boot. What cannot be made here is told by the listener.
  const std::string folder = options_.socket.substr(0, options_.socket.rfind('/'));
  if (!folder.empty() && folder != options_.socket) ::mkdir(folder.c_str(), kSocketFolderMode);

  auto local = localapi::LocalLink::open(
      loop_, *this, rng_, options_.socket,
      {.version = std::string(kVersion),
       .capability_version = control::kOurCapabilityVersion,
       .own_uid = getuid()});
  if (!local) {
    const bool taken = local.error().kind == io::IoError::Kind::AddressInUse;
    return "cannot " + local.error().detail +
           (taken ? "; stop it, or give this one its own --socket, --statedir and --tun"
                  : "; see that its folder exists and may be written, or choose another --socket");
  }
  local_ = std::move(*local);
  return std::nullopt;
}

std::optional<std::string> Daemon::open_host() {
  auto host = HostSide::open(
      loop_, pool_, log_,
      {.tun_name = options_.tun,
       .mtu = kOverlayMtu,
       .state_dir = options_.state_dir,
       .firewall =
           {.sysctl_record = options_.sysctl_record(),
            .note = std::string(kVersion) + " pid " + std::to_string(getpid()),
            .kind = firewall_kind()},
       .mark = options_.mark,
       .on_interface_gone = [this](const os::OsError& why) {
         log_.error(
             "the interface " + options_.tun + " is gone; start ayatorid again to have it back",
             {{"why", why.message()}});
         failed_ = true;
         loop_.stop();
       }});
  if (!host) return host.error().message();
  host_ = std::move(*host);

  if (options_.port_mapping && !port_mapping_is_disabled())
    upnp_.emplace(loop_, options_.mark.value);
  return std::nullopt;
}

// ---- the configuration file

std::optional<std::string> Daemon::read_config() {
  const auto text = state::read_file(options_.config);
  if (!text) return text.error().message();
  if (!*text) return "there is no configuration file " + options_.config;
  const auto file = local::parse_config_file(**text);
  if (!file) return options_.config + ": " + file.error();
  std::string key = file->auth_key;
  if (key.starts_with("file:")) {
    const auto key_text = state::read_file(key.substr(5));
    if (!key_text) return key_text.error().message();
    if (!*key_text) return "there is no key file " + key.substr(5);
    key = **key_text;
    key.erase(key.find_last_not_of(" \t\r\n") + 1);
  }
  const local::Prefs next = local::apply(file->edit, prefs_);
  config_locks_ = false;  // for what comes now
  if (!has_identity()) auth_key_ = key;
  if (local_) {
    if (auto problem = set_prefs(next)) return problem;
  } else {
    if (auto problem = save(next)) return problem;
    prefs_ = next;
  }
  config_locks_ = file->locked;
  return std::nullopt;
}

localapi::ConfigReload Daemon::reload_config() {
  if (options_.config.empty()) return {};
  const bool was_locked = config_locks_;
  const auto problem = read_config();
  if (problem) {
    config_locks_ = was_locked;
    log_.error("the configuration is as before", {{"why", *problem}});
    return {false, *problem};
  }
  log_.info("configuration read", {{"file", options_.config}});
  local::Notify change;
  change.prefs = prefs();
  local_->announce(change);
  return {true, ""};
}

std::optional<std::string> Daemon::locked() const {
  if (!config_locks_) return std::nullopt;
  return "the settings are locked by " + options_.config +
         "; change them there, then run `ayatori debug reload-config`";
}

// ---- what runs

void Daemon::reconcile() {
  // First of all: what must not leave this host must not leave it while the rest comes up.
  update_kill_switch();
  arm_resume();
  if (!prefs_.want_running) {
    bring_down();
  } else if (prefs_.control_url.empty()) {
    // `up` has not said yet where to log in.
  } else {
    bring_up();
  }
  refresh_state();
}

void Daemon::update_kill_switch() {
  const auto wanted = kill_switch(prefs_, host_->networks(), host_->tun().name(), options_.mark);
  host_->set_kill_switch(wanted);
  if (std::exchange(armed_, wanted.has_value()) == wanted.has_value()) return;
  // For the command line, when there is no daemon to ask.
  const std::string note = options_.kill_switch_note();
  if (!wanted) {
    ::unlink(note.c_str());
  } else if (state::write_file_atomically(note, kKillSwitchText)) {
    ::chmod(note.c_str(), kNoteMode);
  }
}

void Daemon::bring_up() {
  if (!coord_) open_coord();
  if (!coord_) return;
  if (has_identity() && !mesh_) open_mesh();
  tell_coord();
  const auto phase = coord_->phase();
  const bool idle = phase == coord::Phase::Stopped;
  // With a key there is something to try; without one, a person decides.
  const bool join = !auth_key_.empty() || (idle && has_identity());
  if (!join) return;
  coord::LoginWish wish;
  if (!auth_key_.empty()) {
    wish.renew = has_identity();  // whoever is in and brings a key wants to come in anew
    wish.auth_key = std::exchange(auth_key_, {});
  }
  coord_->login(wish);
}

void Daemon::close_mesh() {
  if (mesh_) past_totals_.add(totals_of(mesh_->dataplane()));
  mesh_.reset();
  end_dns_queries();
}

void Daemon::bring_down() {
  close_mesh();
  if (map_state() != nullptr) last_map_ = *map_state();
  coord_.reset();
  last_problem_.clear();
  mesh_problem_.clear();
  expiry_timer_.disarm();
}

void Daemon::open_coord() {
  coord::CoordLink::Config config;
  config.url = prefs_.control_url;
  config.certificate_pin = prefs_.server_cert_pin;
  config.machine_key = store_.state().machine_key;
  config.identity = {store_.state().node_key, store_.state().old_node_key};
  const state::NodeState& known = store_.state();
  // Another certificate to pin is a wish to be told again.
  if (known.server_url == config.url && !known.server_key.is_zero() &&
      known.server_certificate == prefs_.server_cert_pin) {
    config.server_key = known.server_key;
  }
  config.mark = options_.mark.value;
  auto link = coord::CoordLink::open({loop_, rng_, roots_}, std::move(config), *this);
  if (!link) {
    on_problem(link.error());
    announce_error(link.error());
    return;
  }
  coord_ = std::move(*link);
}

void Daemon::open_mesh() {
  Mesh::Config config;
  config.node_key = store_.state().node_key;
  config.disco_key = disco_key_;
  config.port = options_.port != 0 ? options_.port : kUsualPort;
  config.port_is_fixed = options_.port != 0;
  auto mesh = Mesh::open(
      {loop_, rng_, pool_, log_, roots_, *host_, upnp_ ? &*upnp_ : nullptr}, config, *this);
  if (!mesh) {
    mesh_problem_ = mesh.error();
    log_.error("cannot bring the node up", {{"why", mesh.error()}});
    announce_error(mesh.error());
    return;
  }
  mesh_problem_.clear();
  mesh_ = std::move(*mesh);
  mesh_->set_flow_counter(flow_logging_.counter());
  if (map_state() != nullptr) mesh_->reapply(*map_state(), prefs_);
}

std::string Daemon::host_name() const {
  return prefs_.hostname.empty() ? machine_name() : prefs_.hostname;
}

const netmap::State* Daemon::map_state() const {
  if (!coord_ || coord_->netmap_state().netmap.self.id.value == 0) return nullptr;
  return &coord_->netmap_state();
}

const netmap::State* Daemon::known_map() const {
  if (const auto* live = map_state()) return live;
  return last_map_ ? &*last_map_ : nullptr;
}

// ---- state

local::BackendState Daemon::compute_state() const {
  using local::BackendState;
  const bool waiting_for_person =
      coord_ && !coord_->auth_url().empty() && coord_->phase() == coord::Phase::NeedsLogin;
  if (!has_identity() || waiting_for_person) return BackendState::NeedsLogin;
  if (!prefs_.want_running) return BackendState::Stopped;
  if (!coord_) return BackendState::NoState;
  switch (coord_->phase()) {
    case coord::Phase::NeedsLogin:
      return BackendState::NeedsLogin;
    case coord::Phase::NeedsMachineAuth:
      return BackendState::NeedsMachineAuth;
    case coord::Phase::Stopped:
    case coord::Phase::Connecting:
      return BackendState::Starting;
    case coord::Phase::Running:
      break;
  }
  if (!mesh_ || !mesh_->is_connected()) return BackendState::Starting;
  // Whoever waited for this calls others by their names next.
  const bool names = state_ == BackendState::Running || host_->dns_settled();
  return names ? BackendState::Running : BackendState::Starting;
}

void Daemon::refresh_state() {
  const auto now = compute_state();
  if (now == state_) return;
  if (now == local::BackendState::Running) somebody_waits_ = false;
  log_.info("state", {{"was", local::to_text(state_)}, {"is", local::to_text(now)}});
  state_ = now;
  if (!local_) return;
  local::Notify change;
  change.state = now;
  local_->announce(change);
}

void Daemon::arm_expiry() {
  const auto* state = map_state();
  const auto at = state == nullptr ? std::nullopt : netmap::next_expiry(*state, loop_.wall_now());
  if (!at) return expiry_timer_.disarm();
  // A day at most, so that a changed clock is noticed.
  const Duration wait = std::clamp<Duration>(*at - loop_.wall_now(), 100ms, std::chrono::hours(24));
  expiry_timer_.arm_in(wait);
}

// Also after a restart: the time is part of the settings.
void Daemon::arm_resume() {
  const auto at = prefs_.want_running ? std::nullopt : parse_rfc3339(prefs_.resume_at);
  if (!at) return resume_timer_.disarm();
  const Duration wait = *at - loop_.wall_now();
  // A minute at most, so that a changed clock or a sleep of the machine is noticed.
  if (wait > Duration::zero()) return resume_timer_.arm_in(std::min<Duration>(wait, 60s));
  resume_timer_.disarm();
  log_.info("the time to be down is over");
  local::Prefs next = prefs_;
  next.want_running = true;
  next.resume_at.clear();
  if (const auto problem = save(next)) announce_error(*problem);
  prefs_ = next;
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    reconcile();
    local::Notify change;
    change.prefs = prefs();
    local_->announce(change);
  });
}

std::optional<std::string> Daemon::save(const local::Prefs& prefs) {
  const auto saved =
      store_.update([&](state::NodeState& state) { state.prefs = local::to_json_line(prefs); });
  if (!saved) return saved.error().message();
  return std::nullopt;
}

void Daemon::announce_error(const std::string& text) {
  if (!local_) return;
  local::Notify change;
  change.err_message = text;
  local_->announce(change);
}

// ---- coord::CoordLink::Owner

void Daemon::on_identity_changed() {
  const auto& identity = coord_->identity();
  const auto saved = store_.update([&](state::NodeState& state) {
    state.node_key = identity.node_key;
    state.old_node_key = identity.old_node_key;
    state.control_url = prefs_.control_url;
    state.server_certificate = prefs_.server_cert_pin;
  });
  if (!saved) {
    log_.error("the node key could not be stored", {{"why", saved.error().message()}});
    announce_error(saved.error().message());
  }
  if (!has_identity()) {
    close_mesh();
  } else if (mesh_) {
    mesh_->set_node_key(identity.node_key);
  } else if (prefs_.want_running) {
    open_mesh();
    tell_coord();
  }
}

void Daemon::on_server_key(const MachinePublicKey& key) {
  const state::NodeState& known = store_.state();
  if (known.server_key == key && known.server_url == prefs_.control_url) return;
  if (known.server_url == prefs_.control_url && !known.server_key.is_zero()) {
    log_.error(
        "the server has another key than before: it was set up anew, or somebody is in between",
        {{"was", known.server_key.short_text()}, {"is", key.short_text()}});
  }
  const auto saved = store_.update([&](state::NodeState& stored) {
    stored.server_key = key;
    stored.server_url = prefs_.control_url;
  });
  if (!saved) {
    log_.error("the server's key could not be stored", {{"why", saved.error().message()}});
  }
}

void Daemon::on_netmap(const netmap::NetmapDelta& delta) {
  const auto* state = map_state();
  if (state == nullptr) return;
  const auto& self = state->netmap.self;
  const state::NetworkName network{state->netmap.domain, state->netmap.magic_dns_suffix()};
  if (store_.state().node_id != self.stable_id || store_.state().network != network) {
    const auto saved = store_.update([&](state::NodeState& stored) {
      stored.node_id = self.stable_id;
      stored.network = network;
    });
    if (!saved) log_.error("the node id could not be stored", {{"why", saved.error().message()}});
  }
  if (delta.self || !delta.peers.empty()) keep_exit_choice();
  if (mesh_) {
    mesh_->set_control_connected(true);
    mesh_->apply(*state, delta, prefs_);
  }
  if (delta.self) flow_logging_.on_map(self);
  if (delta.self_addresses) {
    std::string list;
    for (const IpAddress& address : addresses_of(self)) list += address.to_text() + " ";
    if (!list.empty()) list.pop_back();
    log_.info("own addresses", {{"are", list}});
  }
  arm_expiry();
  refresh_state();
  if (delta.self) {
    local::Notify change;
    change.self_change = self_node();
    local_->announce(change);
  }
  local_->net_map_changed();
}

void Daemon::on_logged_in(const control::User& user, const control::Login& login) {
  local::Prefs next = prefs_;
  next.logged_out = false;
  next.config = local::PrefsConfig{
      {user.id.value, login.login_name, login.display_name, login.profile_pic_url}, {}};
  const auto saved = store_.update([&](state::NodeState& state) {
    state.profile = {user.id.value, login.login_name, login.display_name, login.profile_pic_url};
    state.prefs = local::to_json_line(next);
    keep_login(state, loop_.wall_now(), rng_);
  });
  if (!saved) announce_error(saved.error().message());
  prefs_ = next;
  log_.info("logged in", {{"as", login.login_name}, {"to", prefs_.control_url}});
  local::Notify change;
  change.login_finished = true;
  // No change of state will tell who logged a running node in again that it runs.
  if (state_ == local::BackendState::Running) change.state = state_;
  change.prefs = prefs();
  local_->announce(change);
  refresh_state();
}

void Daemon::on_logged_out() {
  forget_login();
  refresh_state();
}

void Daemon::forget_login() {
  close_mesh();
  prefs_.logged_out = true;
  prefs_.want_running = false;
  prefs_.config.reset();
  const auto saved = store_.update([&](state::NodeState& state) {
    state.node_key = {};
    state.old_node_key = {};
    state.node_id.clear();
    state.name_key.clear();
    state.profile = {};
    state.network = {};
    state.prefs = local::to_json_line(prefs_);
  });
  if (!saved) announce_error(saved.error().message());
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    bring_down();
    last_map_.reset();
  });
}

void Daemon::on_phase_changed() {
  if (coord_->in_poll()) last_problem_.clear();
  if (mesh_) mesh_->set_control_connected(coord_->in_poll());
  if (!coord_->auth_url().empty()) {
    local::Notify change;
    change.browse_to_url = coord_->auth_url();
    local_->announce(change);
  }
  refresh_state();
}

void Daemon::on_problem(const std::string& text) {
  // A server that stays away is tried for as long as it takes: once is enough for the log.
  if (std::exchange(last_problem_, text) == text) {
    log_.debug("coordinator", {{"problem", text}});
  } else {
    log_.info("coordinator", {{"problem", text}});
  }
  if (std::exchange(somebody_waits_, false)) announce_error(text);
}

void Daemon::on_open_url(const std::string& url) {
  local::Notify change;
  change.browse_to_url = url;
  local_->announce(change);
}

http::Response Daemon::on_question(const http::Request& question) {
  return answer_server(question, *this);
}

// ---- Mesh::Owner. The mesh may be in the middle of a call: what follows is posted.

void Daemon::on_mesh_facts_changed() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) tell_coord();
  });
}

void Daemon::on_mesh_connectivity_changed() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) refresh_state();
  });
}

void Daemon::on_mesh_network_changed() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    update_kill_switch();
    if (coord_) coord_->network_changed();
  });
}

void Daemon::on_ping_outcome(const PingOutcome& outcome) {
  const auto asked = pings_.find(outcome.id);
  if (asked == pings_.end()) return on_exit_answer(outcome);
  local::PingResult result;
  result.ip = asked->second.ip.to_text();
  const auto* state = map_state();
  const control::Node* node =
      state == nullptr ? nullptr : find_node(state->netmap, asked->second.ip);
  if (node != nullptr) {
    result.node_name = display_name(*node);
    result.node_ip = addresses_of(*node).front().to_text();
  }
  if (!outcome.answered) {
    result.err = "no answer";
  } else {
    result.latency_seconds = std::chrono::duration<double>(outcome.latency).count();
    result.peer_api_port = outcome.peer_api_port;
    if (!outcome.via) {
      // By whatever way the tunnel has, which is told where the way was asked for.
      const auto path = node == nullptr ? std::nullopt : mesh_->runtime(node->id).path;
      if (asked->second.type == local::PingType::Disco && path && path->direct) {
        result.endpoint = path->direct->to_text();
      }
    } else if (outcome.via->is_relay()) {
      result.derp_region_id = outcome.via->relay;
      result.derp_region_code = mesh_->region_code(outcome.via->relay);
    } else {
      result.endpoint = outcome.via->udp.to_text();
    }
  }
  const localapi::ExchangeId exchange{asked->first.value};
  pings_.erase(asked);
  local_->ping_done(exchange, result);
}

void Daemon::on_netcheck_report(const netcheck::Report& report) {
  const std::string json = local::to_json(to_local(report, loop_.wall_now()));
  for (const auto exchange : std::exchange(netchecks_, {})) {
    local_->netcheck_done(exchange, {json});
  }
}

void Daemon::on_peer_session(netmap::NodeId) {}

void Daemon::on_exit_node_changed() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    keep_exit_choice();
    tell_coord();
  });
}

}  // namespace aya::app
