#include "daemon/app/mesh.h"

#include <algorithm>
#include <utility>

#include "daemon/app/firewall_meaning.h"
#include "daemon/app/map_meaning.h"
#include "daemon/filter/rules.h"
#include "daemon/routing/guest_network.h"

namespace aya::app {
namespace {

std::vector<Endpoint> plain(const std::vector<netcheck::OwnEndpoint>& endpoints) {
  std::vector<Endpoint> out;
  for (const auto& endpoint : endpoints) out.push_back(endpoint.at);
  return out;
}

// The network whose gateway could open a port for us (nat-traversal 6.1).
std::optional<portmap::PortMapper::Network> mappable_network(const os::NetworkSnapshot& networks) {
  if (!networks.default4 || !networks.default4->gateway) return std::nullopt;
  const IpAddress gateway = *networks.default4->gateway;
  std::optional<IpAddress> self;
  for (const os::Interface& interface : networks.interfaces) {
    if (interface.index != networks.default4->interface_index) continue;
    for (const os::InterfaceAddress& address : interface.addresses) {
      if (!address.prefix.address.is_v4()) continue;
      const bool on_its_network = address.prefix.masked().contains(gateway);
      if (!self || on_its_network) self = address.prefix.address;
      if (on_its_network) break;
    }
  }
  if (!self) return std::nullopt;
  return portmap::PortMapper::Network{gateway, *self};
}

}  // namespace

Mesh::Mesh(const Parts& parts, const Config& config, Owner& owner)
    : loop_(parts.loop),
      rng_(parts.rng),
      pool_(parts.pool),
      log_(parts.log),
      owner_(owner),
      node_key_(config.node_key),
      port_is_fixed_(config.port_is_fixed),
      trust_(parts.roots),
      host_(parts.host),
      exit_watch_(parts.loop, *this),
      timer_(
          parts.loop,
          [this] {
            dataplane_->advance(loop_.now());
            arm();
          }),
      home_timer_(parts.loop, [this] {
        if (relays_->home() == 0) relays_->choose_home(std::nullopt, control_connected_);
      }) {
  dataplane_.emplace(
      node_key_, config.disco_key, rng_, pool_,
      tunnel::Options{
          .wall_clock = [&loop = loop_] { return loop.wall_now(); }, .mtu = host_.tun().mtu()},
      *this);
  names_.emplace(
      dns_net::UpstreamLink::Parts{loop_, pool_, log_, parts.roots}, *dataplane_,
      [this] { arm(); });
  peer_service_.emplace(loop_, *names_, *dataplane_);
  relays_.emplace(loop_, trust_, rng_, pool_, log_, host_.mark().value, *this);
  relays_->set_self(node_key_);
  netcheck_.emplace(loop_, rng_, *this);
  if (parts.upnp != nullptr) {
    portmap_.emplace(
        portmap::PortmapLink::Parts{loop_, rng_, pool_, log_, *parts.upnp, host_.mark().value},
        *this);
  }
}

Mesh::~Mesh() {
  host_.attach(nullptr);
  host_.clear();
}

Result<std::unique_ptr<Mesh>, std::string> Mesh::open(
    const Parts& parts, const Config& config, Owner& owner) {
  std::unique_ptr<Mesh> mesh(new Mesh(parts, config, owner));
  if (auto problem = mesh->open_sockets(config)) return *std::move(problem);
  parts.host.attach(mesh.get());
  mesh->tell_port_mapper();
  mesh->update_endpoints();
  return mesh;
}

std::optional<std::string> Mesh::open_sockets(const Config& config) {
  auto problem = open_socket(config.port);
  // A usual port that is taken is no reason to stay down; one that was asked for is.
  if (problem && !config.port_is_fixed) problem = open_socket(0);
  return problem;
}

std::optional<std::string> Mesh::open_socket(std::uint16_t port) {
  io::UdpOptions options;
  options.port = port;
  options.socket.mark = host_.mark().value;
  udp_.reset();
  auto socket = io::UdpSocket::open(loop_, pool_, options, *this);
  if (!socket) {
    return "cannot open UDP port " + std::to_string(port) + ": " + socket.error().detail +
           "; stop the program that has it, or start with --port=0";
  }
  udp_ = std::move(*socket);
  port_ = udp_->port();
  return std::nullopt;
}

void Mesh::set_node_key(const NodePrivateKey& key) {
  node_key_ = key;
  dataplane_->set_self_key(key);
  relays_->set_self(key);
}

// ---- dataplane::Dataplane::Ports

void Mesh::to_host(std::span<const Packet> packets) { host_.write(packets); }

void Mesh::to_udp(std::span<const dataplane::UdpDatagram> datagrams) {
  send_batch_.clear();
  for (const auto& datagram : datagrams) send_batch_.push_back({datagram.bytes, datagram.to, {}});
  // A full socket drops what does not fit, as the network would: the flows inside slow down.
  udp_->send(send_batch_);
}

void Mesh::to_relay(RegionId region, const NodePublicKey& peer, Packet packet) {
  relays_->send(region, peer, std::move(packet));
}

void Mesh::to_dns_server(const dns::Forwarder::Send& query) { names_->to_server(query); }

void Mesh::on_dns_answer(dns::QuestionId question, Bytes response) {
  names_->on_answer(question, response);
}

void Mesh::on_stun(Bytes datagram, const Endpoint&) { netcheck_->on_stun(datagram); }

void Mesh::on_path_change(const path::PathChange& change) {
  const auto node = numbers_.node_of(change.peer);
  if (!node || state_ == nullptr) return;
  const auto peer = state_->netmap.peers.find(*node);
  if (peer == state_->netmap.peers.end()) return;
  log_.debug(
      "path changed", {{"peer", display_name(peer->second)},
                       {"from", change.from.to_text()},
                       {"to", change.to.to_text()}});
}

void Mesh::on_ping_done(const path::PingDone& done) {
  const auto latency = done.via ? std::optional(done.latency) : std::nullopt;
  if (exit_watch_.is_own(done.id)) {
    // What an answer leads to must not happen inside of the dataplane's call.
    loop_.post([this, id = done.id, latency, alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) exit_watch_.on_ping_done(id, latency);
    });
    return;
  }
  const auto node = numbers_.node_of(done.peer);
  owner_.on_ping_outcome(
      {done.id, node.value_or(netmap::NodeId{}), done.via.has_value(), done.latency, done.via, 0});
}

void Mesh::on_inner_ping_done(const dataplane::InnerPingDone& done) {
  const auto node = numbers_.node_of(done.peer);
  owner_.on_ping_outcome(
      {done.id, node.value_or(netmap::NodeId{}), done.latency.has_value(),
       done.latency.value_or(Duration{}), std::nullopt, done.peer_api_port});
}

void Mesh::on_handshake(PeerId peer) {
  if (const auto node = numbers_.node_of(peer)) owner_.on_peer_session(*node);
  if (any_session_) return;
  any_session_ = true;
  owner_.on_mesh_connectivity_changed();
}

// The dataplane is in the middle of a call: probes leave by the socket itself, and what they find
// comes back in a posted task.
void Mesh::wants_restun() {
  if (!netcheck_->running()) netcheck_->start(netcheck::Scope::Automatic);
}

// Answers come from the loop, as datagrams do.
void Mesh::wants_echo(const IpAddress& host) {
  if (!echo_) {
    io::SocketOptions options;
    options.mark = host_.mark().value;
    echo_.emplace(
        loop_, rng_, options, path::kPlainEchoTimeout,
        [this](const IpAddress& from, Duration latency) {
          dataplane_->on_echo(from, latency, loop_.now());
          arm();
        });
  }
  echo_->ask(host);
}

// ---- relay::RelayLinks::Owner

void Mesh::on_relay_packet(RegionId region, const NodePublicKey& from, Packet packet) {
  dataplane_->from_relay(region, from, std::move(packet), loop_.now());
  arm();
}

void Mesh::on_relay_peer_gone(RegionId region, const NodePublicKey& peer) {
  dataplane_->peer_gone_from_relay(peer, region);
}

void Mesh::on_relay_frame(RegionId region) { netcheck_->note_relay_frame(region); }

void Mesh::on_relay_connected(RegionId) { owner_.on_mesh_connectivity_changed(); }

void Mesh::on_home_changed(RegionId) {
  owner_.on_mesh_facts_changed();
  owner_.on_mesh_connectivity_changed();
}

void Mesh::on_relay_health(RegionId region, const std::string& problem) {
  if (problem.empty()) {
    relay_health_.erase(region);
  } else {
    relay_health_[region] = problem;
  }
}

// ---- netcheck::NetcheckLink::Owner

bool Mesh::send_stun(Bytes datagram, const Endpoint& to) {
  const bool family = to.address.is_v4() ? udp_->has_v4() : udp_->has_v6();
  if (!family) return false;
  const std::uint64_t refused = udp_->counters().unreachable + udp_->counters().failed;
  const io::UdpSend one{datagram, to, {}};
  udp_->send({&one, 1});
  return udp_->counters().unreachable + udp_->counters().failed == refused;
}

std::optional<io::DialTarget> Mesh::relay_target(RegionId region) {
  const auto* known = relays_->find(region);
  if (known == nullptr) return std::nullopt;
  for (const auto& node : known->nodes) {
    if (!node.stun_only) return relay::dial_target(node, trust_, host_.mark().value);
  }
  return std::nullopt;
}

netcheck::HostNetwork Mesh::host_network() {
  return {
      .has_ipv4 = udp_->has_v4() && host_.networks().has_v4(),
      .has_ipv6 = udp_->has_v6() && host_.networks().has_v6(),
      .os_has_ipv6 = udp_->has_v6()};
}

bool Mesh::wants_periodic_checks() {
  return !facts_.empty() && dataplane_->paths().any_active(loop_.now());
}

void Mesh::on_netcheck_news() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) update_endpoints();
  });
}

void Mesh::on_netcheck_finished(const netcheck::Report& report) {
  const RegionId home = report.preferred_relay;
  relays_->choose_home(home == 0 ? std::nullopt : std::optional(home), control_connected_);
  report_due_ = true;
  if (!portmap_ || !portmap_->probing()) report_network();
}

// What the router speaks is looked for at the same time.
void Mesh::check_network() {
  if (portmap_) portmap_->probe();
  netcheck_->start(netcheck::Scope::Full);
}

void Mesh::report_network() {
  report_due_ = false;
  if (auto report = last_report()) owner_.on_netcheck_report(*report);
  owner_.on_mesh_facts_changed();
}

std::optional<netcheck::Report> Mesh::last_report() const {
  auto report = netcheck_->last();
  const auto services = portmap_ ? portmap_->services() : std::nullopt;
  if (!report || !services) return report;
  report->upnp = services->upnp;
  report->pmp = services->pmp;
  report->pcp = services->pcp;
  return report;
}

// ---- portmap::PortmapLink::Owner

void Mesh::on_port_mapping_changed() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    update_endpoints();
    restun();
  });
}

void Mesh::on_port_services_known() {
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && report_due_) report_network();
  });
}

void Mesh::tell_port_mapper() {
  if (!portmap_) return;
  portmap_->set_network(mappable_network(host_.networks()));
  portmap_->set_local_port(udp_->has_v4() ? udp_->port() : std::uint16_t{0});
}

void Mesh::update_endpoints() {
  netcheck::EndpointSources sources;
  for (const auto& interface : host_.networks().interfaces) {
    for (const auto& address : interface.addresses) {
      sources.interfaces.push_back(
          {.interface = interface.name,
           .prefix = address.prefix,
           .up = interface.up,
           .loopback = interface.loopback,
           .problematic = interface.is_container_plumbing()});
    }
  }
  sources.port_v4 = udp_->has_v4() ? udp_->port() : std::uint16_t{0};
  sources.port_v6 = udp_->has_v6() ? udp_->port() : std::uint16_t{0};
  sources.port_is_fixed = port_is_fixed_;
  if (portmap_) {
    portmap_->want();
    sources.port_mapping = portmap_->external();
  }
  auto list = own_endpoints_.list(sources, netcheck_->current(), loop_.now());
  // Also when nothing differs: that they were confirmed just now is what a CallMeMaybe waits for.
  dataplane_->set_own_endpoints(plain(list), loop_.now());
  const bool changed = !netcheck::same_set(list, endpoints_);
  endpoints_ = std::move(list);
  if (changed) owner_.on_mesh_facts_changed();
  arm();
}

// ---- ExitWatch::Host

exit_node::Traffic Mesh::traffic_of(netmap::NodeId node) const {
  const auto number = numbers_.find(node);
  if (!number) return {};
  const auto status = dataplane_->paths().status(*number, loop_.now());
  return {dataplane_->last_sent(*number), status ? status->last_heard : std::nullopt};
}

void Mesh::on_exit_changed() {
  if (state_ == nullptr) return;
  log_.info("another exit node is in use", {{"id", exit_watch_.in_use().value_or("")}});
  apply_routes(*state_, prefs_);
  apply_names(*state_, prefs_);  // which are asked through it
  owner_.on_exit_node_changed();
  arm();
}

bool Mesh::probe_peer(netmap::NodeId node, path::PingId id) {
  const auto number = numbers_.find(node);
  if (!number) return false;
  dataplane_->probe(*number, id, loop_.now());
  arm();
  return true;
}

// ---- io::UdpSocket::Handler

void Mesh::on_datagrams(std::span<io::UdpReceived> batch) {
  arrivals_.clear();
  for (auto& received : batch) arrivals_.push_back({std::move(received.packet), received.from});
  dataplane_->from_udp(arrivals_, loop_.now());
  arrivals_.clear();
  arm();
}

void Mesh::on_broken(const io::IoError& why) {
  log_.error("the UDP socket is broken, opening another", {{"why", why.detail}});
  loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) rebind();
  });
}

void Mesh::rebind() {
  for (const std::uint16_t port : {port_, std::uint16_t{0}}) {
    const auto problem = open_socket(port);
    if (!problem) break;
    log_.error("cannot rebind", {{"why", *problem}});
  }
  AYA_CHECK(udp_ != nullptr);  // port 0 fails only where there are no sockets at all
  own_endpoints_.forget();
  dataplane_->link_changed(loop_.now());
  tell_port_mapper();
  if (state_ != nullptr) apply_firewall(*state_, prefs_);
  check_network();
  arm();
}

// ---- HostSide::Owner

void Mesh::on_host_packets(std::span<Packet> packets) {
  dataplane_->from_host(packets, loop_.wall_now(), loop_.now());
  exit_watch_.note_host_traffic();
  arm();
}

void Mesh::on_network_change(const os::NetworkChange& change) {
  if (state_ != nullptr) {
    apply_self(*state_);
    apply_routes(*state_, prefs_);
    apply_firewall(*state_, prefs_);
  }
  if (!change.affects_paths()) return;
  log_.info(
      "the network changed", {{"default_route", change.default_route}, {"slept", change.slept}});
  if (change.default_route || change.slept) {
    own_endpoints_.forget();
    relays_->link_changed();
    dataplane_->link_changed(loop_.now());
  }
  tell_port_mapper();
  check_network();
  update_endpoints();
  owner_.on_mesh_network_changed();
}

void Mesh::on_host_firewall_news() {
  for (const firewall::Problem& problem : host_.firewall().problems()) {
    log_.info("firewall", {{"problem", problem.text}});
  }
  owner_.on_mesh_facts_changed();
}

void Mesh::on_host_dns_change() {
  if (state_ == nullptr) return;
  apply_routes(*state_, prefs_);  // the host's own servers are not asked through the tunnel
  apply_names(*state_, prefs_);
  apply_firewall(*state_, prefs_);
}

// ---- questions

bool Mesh::ping(netmap::NodeId node, path::PingId id, std::size_t size) {
  const auto number = numbers_.find(node);
  if (!number) return false;
  dataplane_->ping(*number, id, size, loop_.now());
  arm();
  return true;
}

bool Mesh::inner_ping(
    netmap::NodeId node, path::PingId id, dataplane::InnerPing kind, const IpAddress& to) {
  const auto number = numbers_.find(node);
  if (!number || !dataplane_->inner_ping(*number, id, kind, to, loop_.now())) return false;
  arm();
  return true;
}

bool Mesh::ask_name(
    const std::string& name, std::uint16_t type,
    std::function<void(const local::DnsAnswer&)> done) {
  const auto query = dns::make_query(name, type);
  if (!query) return false;
  std::vector<std::string> resolvers;
  for (const auto& server : dataplane_->names().servers_for(*query)) {
    resolvers.push_back(server.to_text());
  }
  names_->ask(*query, dns::Forwarder::For::Host, [done, resolvers](Bytes response) {
    done({Buffer(response.begin(), response.end()), resolvers});
  });
  return true;
}

void Mesh::start_netcheck() { check_network(); }
void Mesh::restun() { netcheck_->start(netcheck::Scope::Automatic); }

std::optional<control::NetInfo> Mesh::net_info() const {
  const auto report = last_report();
  const RegionId home = relays_->home();
  if (!report && home == 0) return std::nullopt;
  control::NetInfo out;
  out.preferred_derp = home;
  out.firewall_mode = host_.firewall().mode();
  out.have_port_map = portmap_ && portmap_->external();
  if (!report) return out;
  out.mapping_varies_by_dest_ip = report->mapping_varies_by_dest_ip;
  out.working_ipv6 = report->ipv6;
  out.os_has_ipv6 = report->os_has_ipv6;
  out.working_udp = report->udp;
  out.upnp = report->upnp;
  out.pmp = report->pmp;
  out.pcp = report->pcp;
  const auto add = [&](const std::map<RegionId, Duration>& latencies, std::string_view family) {
    for (const auto& [region, latency] : latencies) {
      out.derp_latency[std::to_string(region) + std::string(family)] =
          std::chrono::duration<double>(latency).count();
    }
  };
  add(report->region_v4_latency, "-v4");
  add(report->region_v6_latency, "-v6");
  return out;
}

bool Mesh::is_connected() const { return home_connected() || any_session_; }

std::string Mesh::region_code(RegionId region) const {
  const auto* known = relays_->find(region);
  return known == nullptr ? std::string() : known->region_code;
}

PeerRuntime Mesh::runtime(netmap::NodeId node) const {
  PeerRuntime out;
  const auto number = numbers_.find(node);
  if (!number) return out;
  out.path = dataplane_->paths().status(*number, loop_.now());
  out.stats = dataplane_->tunnel().stats(*number);
  out.in_engine = out.stats && out.stats->last_handshake.has_value();
  if (const auto sent = dataplane_->last_sent(*number)) {
    out.last_sent = loop_.wall_now() - (loop_.now() - *sent);
  }
  if (state_ != nullptr) {
    const auto peer = state_->netmap.peers.find(node);
    out.expired = peer != state_->netmap.peers.end() &&
                  netmap::peer_is_expired(peer->second, *state_, loop_.wall_now());
  }
  return out;
}

std::vector<std::string> Mesh::health() const {
  std::vector<std::string> out;
  for (const auto& [region, problem] : relay_health_) out.push_back(problem);
  if (relays_->home() != 0 && !home_connected()) {
    out.push_back(
        "Ayatori could not connect to the '" + region_code(relays_->home()) + "' relay server.");
  }
  return out;
}

void Mesh::arm() { timer_.arm(dataplane_->next_deadline()); }

}  // namespace aya::app
