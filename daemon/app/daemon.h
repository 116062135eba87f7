// The daemon of a node: what it remembers, what people asked for, the session with the coordinator
// and, while the node is up, the running mesh. It answers the local interface.
//
//   prefs.want_running off -> coordinator session and mesh are closed; the interface stays, bare
//   on, without a key      -> registers by auth key, or waits for login-interactive
//   on, with a key         -> the mesh runs; the map arrives and is applied as it changes
//
// One per program. Lives on the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "daemon/app/dialler.h"
#include "daemon/app/flow_logging.h"
#include "daemon/app/internet_check.h"
#include "daemon/app/mesh.h"
#include "daemon/app/options.h"
#include "daemon/coord/coord_link.h"
#include "daemon/localapi/local_link.h"
#include "daemon/state/state_store.h"
#include "proto/log/logger.h"

namespace aya::app {

class Daemon final : public localapi::LocalHost,
                     public Mesh::Owner,
                     public coord::CoordLink::Owner,
                     public FlowLogging::Host {
 public:
  // The error is one line for a person: what is wrong and what to do about it.
  static Result<std::unique_ptr<Daemon>, std::string> open(
      io::Loop& loop, Logger& log, const Options& options);
  ~Daemon() override;

  // Reads the configuration file again.
  localapi::ConfigReload reload_config() override;

  // True: the loop was stopped because the node cannot go on. The log says why.
  bool failed() const { return failed_; }

 private:
  static constexpr std::string_view kKillSwitchText =
      "Nothing leaves this host but by its exit node. To end that, run `ayatori set "
      "--exit-node-fail-closed=false`, or without the daemon, as root, `ayatorid --cleanup "
      "--disarm`.";

  Daemon(io::Loop& loop, Logger& log, const Options& options, state::StateStore store);
  std::optional<std::string> open_parts();
  std::optional<std::string> open_local();
  std::optional<std::string> open_host();

  // localapi::LocalHost
  local::Status status(bool with_peers) const override;
  local::Prefs prefs() const override;
  std::optional<local::WhoIs> whois(const localapi::WhoIsQuery& query) const override;
  local::RawJson derp_map() const override;
  local::RawJson self_node() const override;
  local::RawJson net_map() const override;
  local::RawJson dns_config() const override;
  local::RawJson filter_rules() const override;
  local::RawJson filter_matches() const override;
  local::DnsOsConfig dns_os_config() const override;
  local::RawJson peer(std::int64_t node_id) const override;
  std::size_t peer_count() const override;
  local::EngineUpdate engine() const override;
  std::vector<local::HealthWarning> health() const override;
  std::vector<local::PeerSession> peer_sessions() const override;
  std::optional<std::uint32_t> uid_of(const std::string& user) const override;
  local::UserMetrics metrics() const override;
  std::vector<local::InternalCounter> internal_counters() const override;
  local::LogLines log_lines(std::uint64_t after) const override;
  std::string ip_forwarding_problem() const override;
  std::vector<local::LoginProfile> profiles() const override;
  local::LoginProfile current_profile() const override;
  std::optional<std::string> new_profile() override;
  std::optional<std::string> switch_profile(const std::string& id) override;
  std::optional<std::string> delete_profile(const std::string& id) override;
  std::optional<std::string> set_prefs(const local::Prefs& next) override;
  std::optional<std::string> start(const local::StartRequest& request) override;
  void login_interactive() override;
  void logout() override;
  std::string mark_log(const std::string& note) override;
  void note_reason(std::string_view route, std::string_view reason) override;
  void shutdown() override;
  void rebind() override;
  void restun() override;
  void ping(localapi::ExchangeId exchange, const localapi::PingRequest& request) override;
  void netcheck(localapi::ExchangeId exchange) override;
  void dns_query(localapi::ExchangeId exchange, const localapi::DnsQuery& query) override;
  void dial(localapi::ExchangeId exchange, const localapi::DialRequest& request) override;
  Result<local::ExitNodeSuggestion, std::string> suggest_exit_node() const override;
  void exit_nodes(localapi::ExchangeId exchange, bool probe) override;
  void check_internet(
      localapi::ExchangeId exchange, const localapi::InternetRequest& request) override;

  // Mesh::Owner
  void on_mesh_facts_changed() override;
  void on_mesh_connectivity_changed() override;
  void on_mesh_network_changed() override;
  void on_ping_outcome(const PingOutcome& outcome) override;
  void on_netcheck_report(const netcheck::Report& report) override;
  void on_peer_session(netmap::NodeId node) override;
  void on_exit_node_changed() override;

  // coord::CoordLink::Owner
  void on_identity_changed() override;
  void on_server_key(const MachinePublicKey& key) override;
  void on_netmap(const netmap::NetmapDelta& delta) override;
  void on_logged_in(const control::User& user, const control::Login& login) override;
  void on_logged_out() override;
  void on_phase_changed() override;
  void on_problem(const std::string& text) override;
  void on_open_url(const std::string& url) override;
  http::Response on_question(const http::Request& question) override;
  void on_flow_report_answer(const coord::FlowReportAnswer& answer) override {
    flow_logging_.on_answer(answer);
  }

  // FlowLogging::Host
  void set_flow_counter(flow_logs::FlowCounter* counter) override {
    if (mesh_) mesh_->set_flow_counter(counter);
  }
  bool send_flow_report(control::FlowReport report) override {
    return coord_ && coord_->send_flow_report(std::move(report));
  }

  // Takes the settings of the configuration file over; the error is one line for a person.
  std::optional<std::string> read_config();
  std::optional<std::string> locked() const;

  bool has_identity() const { return store_.state().has_node_key(); }
  std::string host_name() const;
  const netmap::State* map_state() const;  // nullptr before the first map
  // For whoever looks: while the node is down, the map as it was before.
  const netmap::State* known_map() const;

  // The exit node that is or, while the node is down, would be in use, by its stable id.
  std::optional<std::string> exit_node() const;
  const control::Node* exit_node_peer() const;
  void keep_exit_choice();
  // Why the exit node of these prefs cannot be used on this host; nullopt: it can, or there is
  // none.
  std::optional<std::string> exit_node_refusal(const local::Prefs& next) const;
  local::ExitNodes known_exit_nodes() const;
  void on_exit_answer(const PingOutcome& outcome);
  void answer_exit_nodes(localapi::ExchangeId exchange);
  InternetTargets internet_targets() const;

  // Makes what runs match the prefs.
  void reconcile();
  void update_kill_switch();
  void bring_up();
  void bring_down();
  void close_mesh();
  void open_mesh();
  void open_coord();
  void forget_login();
  void end_dns_queries();
  bool send_ping(const control::Node& node, path::PingId id, const localapi::PingRequest& request);
  void ping_peer_api(
      localapi::ExchangeId exchange, const localapi::PingRequest& request,
      const control::Node& node);
  template <class Change>
  std::optional<std::string> change_login(Change change);
  void tell_coord();
  void refresh_state();
  local::BackendState compute_state() const;
  void arm_expiry();
  void arm_resume();
  std::optional<std::string> save(const local::Prefs& prefs);
  void announce_error(const std::string& text);

  io::Loop& loop_;
  Logger& log_;
  Options options_;
  SystemRng rng_;
  PacketPool pool_;
  state::StateStore store_;
  local::Prefs prefs_;
  DiscoPrivateKey disco_key_;
  std::string log_id_;  // opaque; deployed servers expect one
  tls::TlsClientContext roots_;
  std::unique_ptr<HostSide> host_;
  std::optional<portmap::UpnpLink> upnp_;  // unless port mapping is switched off
  std::unique_ptr<coord::CoordLink> coord_;
  FlowLogging flow_logging_;  // what it counts waits here while mesh and session come and go
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<localapi::LocalLink> local_;
  std::optional<netmap::State> last_map_;  // of a session that was closed by `down`
  local::TrafficTotals past_totals_;       // of meshes that are closed

  bool config_locks_ = false;  // the settings are the configuration file's alone
  std::string auth_key_;       // given by `up`, until it was used
  local::BackendState state_ = local::BackendState::NoState;
  std::string last_problem_;  // of the coordinator session; empty when it works
  // Somebody asked to be up and has heard neither success nor trouble yet. Later trouble is in the
  // status: said on the bus it would be taken for the answer to the next who asks.
  bool somebody_waits_ = false;
  std::string mesh_problem_;  // why the mesh could not be opened; empty when it could
  std::map<path::PingId, localapi::PingRequest> pings_;
  std::map<localapi::ExchangeId, std::unique_ptr<io::HttpClient>> peer_api_pings_;
  std::vector<localapi::ExchangeId> netchecks_;
  std::set<localapi::ExchangeId> dns_queries_;
  Dialler dialler_;
  // Exit nodes that were pinged for somebody, by ping, and when that somebody is answered at last.
  struct ExitQuestion {
    localapi::ExchangeId exchange;
    std::string node;
  };
  std::map<path::PingId, ExitQuestion> exit_questions_;
  std::map<localapi::ExchangeId, std::unique_ptr<io::Timer>> exit_answers_due_;
  std::map<std::string, Duration> exit_latency_;  // by stable id
  std::uint64_t last_exit_question_ = 0;
  std::map<localapi::ExchangeId, std::unique_ptr<InternetCheck>> internet_checks_;
  bool failed_ = false;
  std::optional<bool> armed_;  // the kill switch; nullopt: an earlier run may have armed it
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
  io::Timer expiry_timer_;
  io::Timer resume_timer_;  // ends `down --for`
};

}  // namespace aya::app
