// The running node: sockets, tunnel, paths, relays and the host's interface, joined. It exists
// while the node is up; destroying it takes the node off the network and gives the host its
// addresses, routes and resolver back.
//
// It carries out what the network map says and reports what the coordinator has to be told. Lives
// on the loop's thread; owner and references outlive it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "daemon/app/exit_watch.h"
#include "daemon/app/host_side.h"
#include "daemon/app/name_service.h"
#include "daemon/app/peer_numbers.h"
#include "daemon/app/peer_service.h"
#include "daemon/app/status_view.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/netcheck/netcheck_link.h"
#include "daemon/netcheck/own_endpoints.h"
#include "daemon/netmap/expiry.h"
#include "daemon/portmap/portmap_link.h"
#include "daemon/relay/relay_links.h"
#include "daemon/routing/routing.h"
#include "proto/io/echo_socket.h"
#include "proto/io/udp_socket.h"
#include "proto/local/dns_answer.h"

namespace aya::app {

// The end of a ping for a person.
struct PingOutcome {
  path::PingId id;
  netmap::NodeId node{};
  bool answered = false;
  Duration latency{};
  std::optional<PathAddress> via;   // of an answer outside the tunnel
  std::uint16_t peer_api_port = 0;  // of an answer that told it
};

class Mesh final : public dataplane::Dataplane::Ports,
                   public relay::RelayLinks::Owner,
                   public netcheck::NetcheckLink::Owner,
                   public portmap::PortmapLink::Owner,
                   public ExitWatch::Host,
                   public io::UdpSocket::Handler,
                   public HostSide::Owner {
 public:
  // Calls come from the loop or from within apply(); none may destroy the mesh.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Endpoints, home relay or what the network lets through: the coordinator is to be told.
    virtual void on_mesh_facts_changed() = 0;
    // The home relay came or went, a first session stands, or names can be resolved: whether we are
    // connected.
    virtual void on_mesh_connectivity_changed() = 0;
    virtual void on_mesh_network_changed() = 0;  // the host's networks: connections are suspect
    virtual void on_ping_outcome(const PingOutcome& outcome) = 0;
    virtual void on_netcheck_report(const netcheck::Report& report) = 0;
    virtual void on_peer_session(netmap::NodeId node) = 0;
    virtual void on_exit_node_changed() = 0;  // exit_node() is another
  };

  struct Config {
    NodePrivateKey node_key;
    DiscoPrivateKey disco_key;   // of this run of the program
    std::uint16_t port = 0;      // wanted; 0: any
    bool port_is_fixed = false;  // by the operator, who may have forwarded it
  };

  struct Parts {
    io::Loop& loop;
    Rng& rng;
    PacketPool& pool;
    Logger& log;
    tls::TlsClientContext& roots;
    HostSide& host;
    portmap::UpnpLink* upnp = nullptr;  // nullptr: the router is not asked for anything
  };

  // The error is one line for a person.
  static Result<std::unique_ptr<Mesh>, std::string> open(
      const Parts& parts, const Config& config, Owner& owner);
  ~Mesh() override;

  void set_node_key(const NodePrivateKey& key);  // after a rotation
  // Takes over the map. `delta` says what changed since the last call.
  void apply(
      const netmap::State& state, const netmap::NetmapDelta& delta, const local::Prefs& prefs);
  // The same after settings changed, or a peer expired: everything is looked at again.
  void reapply(const netmap::State& state, const local::Prefs& prefs);
  void set_control_connected(bool connected) { control_connected_ = connected; }
  void set_flow_counter(flow_logs::FlowCounter* counter) {
    dataplane_->set_flow_counter(counter);
  }

  // False: no such peer.
  bool ping(netmap::NodeId node, path::PingId id, std::size_t size);
  bool inner_ping(
      netmap::NodeId node, path::PingId id, dataplane::InnerPing kind, const IpAddress& to);
  // By every way there is at once, for who wants to know whether it lives.
  bool probe_peer(netmap::NodeId node, path::PingId id);
  void start_netcheck();
  // As the host would ask our resolver. False: that is no name. `done` is called from the loop,
  // unless the mesh ends first.
  bool ask_name(
      const std::string& name, std::uint16_t type,
      std::function<void(const local::DnsAnswer&)> done);
  void rebind();
  void restun();

  // ---- what people and the coordinator ask
  const std::vector<netcheck::OwnEndpoint>& endpoints() const { return endpoints_; }
  std::optional<control::NetInfo> net_info() const;
  RegionId home() const { return relays_->home(); }
  bool home_connected() const { return relays_->is_connected(relays_->home()); }
  bool is_connected() const;  // through the home relay, or with some peer
  std::string region_code(RegionId region) const;
  PeerRuntime runtime(netmap::NodeId node) const;
  std::vector<std::string> health() const;
  const routing::Decision& routing() const { return routing_; }
  // The stable id of the exit node; nullopt: traffic leaves from here. Where no peer has it, or it
  // is empty: nowhere.
  const std::optional<std::string>& exit_node() const { return exit_watch_.in_use(); }
  const ExitWatch& exit_watch() const { return exit_watch_; }
  std::size_t live_relays() const { return relays_->connected(); }
  std::optional<netcheck::Report> last_report() const;  // and what the router speaks
  std::uint16_t port() const { return udp_->port(); }
  std::vector<control::Service> services() const { return peer_service_->services(); }
  const dataplane::Dataplane& dataplane() const { return *dataplane_; }

 private:
  Mesh(const Parts& parts, const Config& config, Owner& owner);
  std::optional<std::string> open_sockets(const Config& config);
  std::optional<std::string> open_socket(std::uint16_t port);

  // dataplane::Dataplane::Ports
  void to_host(std::span<const Packet> packets) override;
  void to_udp(std::span<const dataplane::UdpDatagram> datagrams) override;
  void to_relay(RegionId region, const NodePublicKey& peer, Packet packet) override;
  void to_dns_server(const dns::Forwarder::Send& query) override;
  void on_dns_answer(dns::QuestionId question, Bytes response) override;
  void on_stun(Bytes datagram, const Endpoint& from) override;
  void on_path_change(const path::PathChange& change) override;
  void on_ping_done(const path::PingDone& done) override;
  void on_inner_ping_done(const dataplane::InnerPingDone& done) override;
  void on_handshake(PeerId peer) override;
  void wants_restun() override;
  void wants_echo(const IpAddress& host) override;

  // relay::RelayLinks::Owner
  void on_relay_packet(RegionId region, const NodePublicKey& from, Packet packet) override;
  void on_relay_peer_gone(RegionId region, const NodePublicKey& peer) override;
  void on_relay_frame(RegionId region) override;
  void on_relay_connected(RegionId region) override;
  void on_home_changed(RegionId home) override;
  void on_relay_health(RegionId region, const std::string& problem) override;

  // netcheck::NetcheckLink::Owner
  bool send_stun(Bytes datagram, const Endpoint& to) override;
  std::optional<io::DialTarget> relay_target(RegionId region) override;
  netcheck::HostNetwork host_network() override;
  bool wants_periodic_checks() override;
  void on_netcheck_news() override;
  void on_netcheck_finished(const netcheck::Report& report) override;

  // portmap::PortmapLink::Owner
  void on_port_mapping_changed() override;
  void on_port_services_known() override;

  // ExitWatch::Host
  exit_node::Traffic traffic_of(netmap::NodeId node) const override;
  void probe(netmap::NodeId node, path::PingId id) override { probe_peer(node, id); }
  void on_exit_changed() override;

  // io::UdpSocket::Handler
  void on_datagrams(std::span<io::UdpReceived> batch) override;
  void on_broken(const io::IoError& why) override;

  // HostSide::Owner
  void on_host_packets(std::span<Packet> packets) override;
  void on_network_change(const os::NetworkChange& change) override;
  void on_host_firewall_news() override;
  void on_host_dns_change() override;
  void on_host_dns_settled() override { owner_.on_mesh_connectivity_changed(); }

  bool choose_exit(const netmap::State& state, const local::Prefs& prefs);
  void apply_peer(const netmap::State& state, netmap::NodeId node);
  void apply_self(const netmap::State& state);
  void apply_filter(const netmap::State& state, const local::Prefs& prefs);
  void apply_names(const netmap::State& state, const local::Prefs& prefs);
  routing::Surroundings around() const;
  // Decides anew where packets go, and carries it out in the kernel and in the tunnel.
  void apply_routes(const netmap::State& state, const local::Prefs& prefs);
  void apply_firewall(const netmap::State& state, const local::Prefs& prefs);
  void apply_services(const netmap::State& state, const local::Prefs& prefs);
  void apply_relays(const netmap::State& state);
  void choose_home_soon();
  void check_network();
  void report_network();
  void tell_port_mapper();
  void update_endpoints();
  void arm();

  io::Loop& loop_;
  Rng& rng_;
  PacketPool& pool_;
  Logger& log_;
  Owner& owner_;
  NodePrivateKey node_key_;
  std::uint16_t port_ = 0;
  bool port_is_fixed_ = false;
  relay::RelayTrust trust_;
  HostSide& host_;
  std::unique_ptr<io::UdpSocket> udp_;
  std::optional<io::EchoSocket> echo_;  // made when somebody is first to be asked
  std::optional<dataplane::Dataplane> dataplane_;
  std::optional<NameService> names_;
  std::optional<PeerService> peer_service_;
  std::optional<relay::RelayLinks> relays_;
  std::optional<netcheck::NetcheckLink> netcheck_;
  std::optional<portmap::PortmapLink> portmap_;
  bool report_due_ = false;  // a check ended before the router had its time to answer
  netcheck::OwnEndpoints own_endpoints_;
  std::vector<netcheck::OwnEndpoint> endpoints_;
  PeerNumbers numbers_;
  routing::Decision routing_;
  ExitWatch exit_watch_;
  std::map<PeerId, dataplane::PeerFacts> facts_;  // as last told to the dataplane
  std::map<RegionId, std::string> relay_health_;
  const netmap::State* state_ = nullptr;  // of the last apply(): names for log lines
  local::Prefs prefs_;
  bool control_connected_ = false;
  bool any_session_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
  std::vector<io::UdpSend> send_batch_;
  std::vector<dataplane::UdpArrival> arrivals_;
  io::Timer timer_;
  io::Timer home_timer_;
};

}  // namespace aya::app
