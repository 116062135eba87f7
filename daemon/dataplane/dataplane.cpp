#include "daemon/dataplane/dataplane.h"

#include <algorithm>

#include "daemon/dataplane/masquerade.h"
#include "daemon/path/tsmp_announcement.h"
#include "proto/stun/classify.h"

namespace aya::dataplane {
namespace {

// An inner packet that the peer's node, not its host, is meant to read.
bool is_tsmp(const filter::PacketView& packet) { return packet.protocol == filter::kTsmp; }

// The address of one family, as both ends of a TSMP packet need.
const IpAddress* of_family(const std::vector<IpAddress>& addresses, bool v4) {
  const auto found = std::ranges::find_if(
      addresses, [v4](const IpAddress& address) { return address.is_v4() == v4; });
  return found == addresses.end() ? nullptr : &*found;
}

}  // namespace

bool operator==(const PeerFacts& a, const PeerFacts& b) {
  return a.path.node_key == b.path.node_key && a.path.disco_key == b.path.disco_key &&
         a.path.endpoints == b.path.endpoints && a.path.home_region == b.path.home_region &&
         a.path.capability_version == b.path.capability_version && a.allowed_ips == b.allowed_ips &&
         a.addresses == b.addresses && a.knows_us_as == b.knows_us_as && a.is_jailed == b.is_jailed &&
         a.subnets == b.subnets;
}

Dataplane::Dataplane(
    const NodePrivateKey& self, const DiscoPrivateKey& disco, Rng& rng, PacketPool& pool,
    tunnel::Options options, Ports& ports)
    : pool_(pool),
      ports_(ports),
      tunnel_(self, rng, pool, options),
      paths_(disco, self.public_key(), rng),
      sites_(options.mtu),
      names_(rng, pool),
      inner_pings_(rng, pool) {}

Dataplane::Peer* Dataplane::find(PeerId peer) {
  return peer.value < peers_.size() && peers_[peer.value] ? &*peers_[peer.value] : nullptr;
}

const Dataplane::Peer* Dataplane::find(PeerId peer) const {
  return peer.value < peers_.size() && peers_[peer.value] ? &*peers_[peer.value] : nullptr;
}

// ---- the map

void Dataplane::set_self_key(const NodePrivateKey& self) {
  tunnel_.set_private_key(self);
  paths_.set_self_node(self.public_key());
}

void Dataplane::set_own_addresses(std::span<const IpAddress> addresses) {
  own_addresses_.assign(addresses.begin(), addresses.end());
}

void Dataplane::set_local_destinations(std::span<const Prefix> local) {
  filter_.set_local(local);
  sites_.set_routes(local);
}

void Dataplane::upsert_peer(PeerId peer, const PeerFacts& facts, TimePoint now) {
  if (peer.value >= peers_.size()) peers_.resize(peer.value + 1);
  auto& slot = peers_[peer.value];
  const bool same_key = slot && slot->key == facts.path.node_key;
  const bool restarted = same_key && slot->disco != facts.path.disco_key;
  const auto last_sent = same_key ? slot->last_sent : std::nullopt;
  slot = Peer{facts.path.node_key, facts.path.disco_key, facts.addresses, facts.knows_us_as,
              facts.is_jailed,     last_sent,            nullptr};
  if (!facts.subnets.empty()) {
    slot->subnets = std::make_unique<Subnets>();
    for (const Prefix& subnet : facts.subnets) slot->subnets->set(subnet, {});
  }
  tunnel_.upsert_peer(peer, {.public_key = facts.path.node_key});
  tunnel_.set_allowed_ips(peer, facts.allowed_ips);
  paths_.upsert_peer(peer, facts.path, now, path_fx_);
  // A new disco key is a new process.
  if (restarted) tunnel_.peer_restarted(peer, now, tunnel_fx_);
  flush(now);
}

void Dataplane::remove_peer(PeerId peer) {
  tunnel_.remove_peer(peer);
  paths_.remove_peer(peer);
  if (peer.value < peers_.size()) peers_[peer.value].reset();
}

std::optional<TimePoint> Dataplane::last_sent(PeerId peer) const {
  const Peer* known = find(peer);
  return known == nullptr ? std::nullopt : known->last_sent;
}

// ---- packets

void Dataplane::from_host(std::span<Packet> packets, WallTime wall, TimePoint now) {
  // Neighbours for one peer are sealed together: a burst of one flow is the usual case.
  std::size_t begin = 0;
  std::optional<PeerId> peer;
  const auto seal_run = [&](std::size_t end) {
    if (peer) seal(*peer, packets.subspan(begin, end - begin), now);
    peer.reset();
  };
  for (std::size_t i = 0; i < packets.size(); ++i) {
    auto view = filter::PacketView::parse(packets[i].bytes());
    std::optional<PeerId> next;
    bool dropped = false;
    if (sites_.active()) {
      const auto answer = sites_.from_site(packets[i], view);
      dropped = answer == sites::SiteGateway::Answer::Drop;
      if (answer == sites::SiteGateway::Answer::Translated) {
        view = filter::PacketView::parse(packets[i].bytes());
      }
    }
    const bool readable = view.protocol != filter::kUnknownProtocol;
    if (dropped) {
      // Counted by the gateway.
    } else if (readable && dns::Service::is_service_address(view.destination.address)) {
      to_service(view, wall, now);
    } else if (!filter_.out(view).accept) {
      ++counters_.filtered_out;
    } else if (readable) {
      next = tunnel_.peer_for(view.destination.address);
      if (!next) ++counters_.no_peer;
      if (next && flows_ != nullptr) count_flow(flow_logs::Way::Sent, *next, view);
    }
    if (next && peer == next) continue;
    seal_run(i);
    begin = i;
    peer = next;
  }
  seal_run(packets.size());
  flush(now);
}

void Dataplane::seal(PeerId peer, std::span<Packet> packets, TimePoint now) {
  if (Peer* known = find(peer)) {
    known->last_sent = now;
    for (Packet& packet : packets) disguise(*known, packet);
  }
  paths_.note_traffic(peer, now, path_fx_);
  tunnel_.seal(peer, packets, now, tunnel_fx_);
}

// What is only forwarded, for a subnet or as an exit node, has another source and stays.
void Dataplane::disguise(const Peer& peer, Packet& packet) const {
  if (peer.knows_us_as.empty()) return;
  const auto view = filter::PacketView::parse(packet.bytes());
  if (view.protocol == filter::kUnknownProtocol) return;
  const IpAddress* own = of_family(own_addresses_, view.version == 4);
  const IpAddress* alias = of_family(peer.knows_us_as, view.version == 4);
  if (own == nullptr || alias == nullptr || view.source.address != *own) return;
  readdress(packet, view, PacketEnd::Source, *alias);
}

bool Dataplane::undisguise(const Peer& peer, Packet& packet, const filter::PacketView& view) const {
  if (peer.knows_us_as.empty() || view.protocol == filter::kUnknownProtocol) return false;
  const IpAddress* own = of_family(own_addresses_, view.version == 4);
  const IpAddress* alias = of_family(peer.knows_us_as, view.version == 4);
  if (own == nullptr || alias == nullptr || view.destination.address != *alias) return false;
  readdress(packet, view, PacketEnd::Destination, *own);
  return true;
}

void Dataplane::to_service(const filter::PacketView& packet, WallTime wall, TimePoint now) {
  names_.on_packet(packet, wall, now, names_fx_);
}

void Dataplane::from_udp(std::span<UdpArrival> arrivals, TimePoint now) {
  for (UdpArrival& arrival : arrivals) {
    const auto kind = stun::classify(arrival.packet.bytes());
    if (kind.geneve) {
      ++counters_.geneve;
    } else if (kind.kind == stun::DatagramKind::Stun) {
      ports_.on_stun(arrival.packet.bytes(), arrival.from);
    } else if (kind.kind == stun::DatagramKind::Disco) {
      paths_.on_disco(
          arrival.packet.bytes(), PathAddress::direct(arrival.from), std::nullopt, now, path_fx_);
    } else {
      const auto from = PathAddress::direct(arrival.from);
      counters_.in.by(from).count(arrival.packet.bytes().size());
      datagrams_.push_back({std::move(arrival.packet), from, NodePublicKey{}});
    }
  }
  tunnel_.open(datagrams_, now, tunnel_fx_);
  datagrams_.clear();
  flush(now);
}

void Dataplane::from_relay(
    RegionId region, const NodePublicKey& sender, Packet packet, TimePoint now) {
  const auto from = PathAddress::relayed(region);
  const auto kind = stun::classify(packet.bytes());
  if (kind.kind == stun::DatagramKind::Disco && !kind.geneve) {
    paths_.on_disco(packet.bytes(), from, sender, now, path_fx_);
  } else if (kind.kind == stun::DatagramKind::WireGuard && !kind.geneve) {
    counters_.in.by(from).count(packet.bytes().size());
    datagrams_.push_back({std::move(packet), from, sender});
    tunnel_.open(datagrams_, now, tunnel_fx_);
    datagrams_.clear();
  }
  flush(now);
}

void Dataplane::from_dns_server(const Endpoint& server, Bytes response, TimePoint now) {
  names_.on_response(server, response, now, names_fx_);
  flush(now);
}

void Dataplane::from_dns_stream(
    const dns::Forwarder::Ticket& ticket, Bytes response, TimePoint now) {
  names_.on_stream_response(ticket, response, now, names_fx_);
  flush(now);
}

void Dataplane::dns_stream_failed(const dns::Forwarder::Ticket& ticket, TimePoint now) {
  names_.on_stream_failure(ticket, now, names_fx_);
  flush(now);
}

void Dataplane::ask_names(
    dns::QuestionId question, Bytes query, dns::Forwarder::For whom, WallTime wall, TimePoint now) {
  names_.ask(question, query, whom, wall, now, names_fx_);
  flush(now);
}

// ---- what the network says

void Dataplane::set_own_endpoints(std::vector<Endpoint> endpoints, TimePoint now) {
  paths_.set_own_endpoints(std::move(endpoints), now, path_fx_);
  flush(now);
}

void Dataplane::link_changed(TimePoint now) {
  paths_.link_changed(now, path_fx_);
  flush(now);
}

void Dataplane::unreachable(const Endpoint& at, TimePoint now) {
  for (std::uint32_t i = 0; i < peers_.size(); ++i) {
    if (!peers_[i]) continue;
    const auto status = paths_.status(PeerId{i}, now);
    if (status && status->direct == at) paths_.on_unreachable(PeerId{i}, at, now, path_fx_);
  }
  flush(now);
}

void Dataplane::on_echo(const IpAddress& from, Duration latency, TimePoint now) {
  paths_.on_echo(from, latency, now, path_fx_);
  flush(now);
}

void Dataplane::peer_gone_from_relay(const NodePublicKey& peer, RegionId region) {
  paths_.on_peer_gone(peer, region);
}

void Dataplane::ping(PeerId peer, path::PingId id, std::size_t size, TimePoint now) {
  paths_.cli_ping(peer, id, size, now, path_fx_);
  flush(now);
}

void Dataplane::probe(PeerId peer, path::PingId id, TimePoint now) {
  paths_.probe(peer, id, now, path_fx_);
  flush(now);
}

bool Dataplane::inner_ping(
    PeerId peer, path::PingId id, InnerPing kind, const IpAddress& to, TimePoint now) {
  const IpAddress* from = of_family(own_addresses_, to.is_v4());
  if (from == nullptr) return false;
  Packet packet = inner_pings_.ask(id, peer, kind, *from, to, now);
  seal(peer, {&packet, 1}, now);
  flush(now);
  return true;
}

void Dataplane::advance(TimePoint now) {
  inner_pings_.give_up(now, inner_pings_done_);
  for (const InnerPingDone& done : inner_pings_done_) ports_.on_inner_ping_done(done);
  inner_pings_done_.clear();
  tunnel_.advance(now, tunnel_fx_);
  paths_.advance(now, path_fx_);
  names_.advance(now, names_fx_);
  flush(now);
}

std::optional<TimePoint> Dataplane::next_deadline() const {
  return earlier(
      earlier(tunnel_.next_deadline(), paths_.next_deadline()),
      earlier(names_.next_deadline(), inner_pings_.next_deadline()));
}

// ---- effects

void Dataplane::flush(TimePoint now) {
  flush_tunnel(now);
  flush_paths();
  flush_names();
  send_queued();
}

void Dataplane::flush_tunnel(TimePoint now) {
  for (const auto& heard : tunnel_fx_.heard) {
    paths_.on_wireguard_heard(heard.peer, heard.from, now, path_fx_);
    if (flows_ != nullptr) count_heard(heard);
  }
  for (tunnel::ToHost& opened : tunnel_fx_.to_host) take_inner(opened, now);
  if (!to_host_.empty()) ports_.to_host(to_host_);
  to_host_.clear();

  for (const PeerId peer : tunnel_fx_.handshakes_done) {
    ++counters_.handshakes;
    ports_.on_handshake(peer);
    if (paths_.wants_disco_announcement(peer)) announce_disco_key(peer, now);
  }
  // Announcements were sealed into the list that is walked here: an index, not an iterator.
  for (std::size_t i = 0; i < tunnel_fx_.to_network.size(); ++i) {
    auto& [peer, datagram] = tunnel_fx_.to_network[i];
    const Peer* known = find(peer);
    if (known == nullptr) continue;
    const path::Route route = paths_.route(peer, now);
    if (flows_ != nullptr) count_sent(*known, route, datagram.size());
    if (route.also) send(*route.also, known->key, pool_.copy_of(datagram.bytes()));
    if (route.primary.is_none()) {
      ++counters_.no_path;
    } else {
      counters_.out.by(route.primary).count(datagram.bytes().size());
    }
    send(route.primary, known->key, std::move(datagram));
  }
  for (auto& reply : tunnel_fx_.to_source) {
    send(reply.to, reply.relay_peer, std::move(reply.datagram));
  }
  tunnel_fx_.clear();
}

void Dataplane::take_inner(tunnel::ToHost& opened, TimePoint now) {
  auto view = filter::PacketView::parse(opened.inner.bytes());
  const Peer* sender = find(opened.peer);
  if (sender != nullptr && undisguise(*sender, opened.inner, view)) {
    view = filter::PacketView::parse(opened.inner.bytes());
  }
  if (is_tsmp(view)) {
    if (const auto key = path::parse_announcement(opened.inner.bytes())) {
      if (Peer* known = find(opened.peer)) known->disco = *key;  // inside the new session already
      paths_.on_announced_disco_key(opened.peer, *key, now, path_fx_);
      return;
    }
  }
  if (take_inner_ping(opened.peer, view, now)) return;
  const bool may_open = sender == nullptr || !sender->is_jailed;
  if (!(may_open && is_for_peer_api(view)) && !filter_.in(view, may_open).accept) {
    ++counters_.filtered_in;
    return;
  }
  if (flows_ != nullptr) count_flow(flow_logs::Way::Received, opened.peer, view);
  if (!sites_.active() || !sites_.serves(view.destination.address) || to_site(opened, view)) {
    to_host_.push_back(std::move(opened.inner));
  }
}

// True: it was one, and concerns nobody else.
bool Dataplane::take_inner_ping(PeerId peer, const filter::PacketView& view, TimePoint now) {
  if (const auto done = inner_pings_.take(peer, view, now)) {
    ports_.on_inner_ping_done(*done);
    return true;
  }
  if (!is_tsmp(view)) return false;
  const auto same_family = [&](const Endpoint& at) {
    return at.address.is_v4() == view.destination.address.is_v4();
  };
  const auto api = std::ranges::find_if(peer_api_, same_family);
  auto answer = inner_pings_.answer(view, api == peer_api_.end() ? 0 : api->port);
  if (!answer) return false;
  if (const Peer* known = find(peer)) disguise(*known, *answer);
  tunnel_.seal(peer, {&*answer, 1}, now, tunnel_fx_);
  return true;
}

bool Dataplane::to_site(tunnel::ToHost& opened, const filter::PacketView& view) {
  const Peer* known = find(opened.peer);
  return known != nullptr && sites_.to_site(opened.inner, view, of_family(known->addresses, true));
}

bool Dataplane::is_for_peer_api(const filter::PacketView& packet) const {
  return packet.protocol == filter::kTcp &&
         std::ranges::find(peer_api_, packet.destination) != peer_api_.end();
}

void Dataplane::announce_disco_key(PeerId peer, TimePoint now) {
  const Peer* known = find(peer);
  if (known == nullptr) return;
  for (const bool v4 : {true, false}) {
    const IpAddress* from = of_family(own_addresses_, v4);
    const IpAddress* to = of_family(known->addresses, v4);
    if (from == nullptr || to == nullptr) continue;
    announcement_.clear();
    path::write_announcement(*from, *to, paths_.disco_key(), announcement_);
    Packet packet = pool_.copy_of(announcement_);
    disguise(*known, packet);
    tunnel_.seal(peer, {&packet, 1}, now, tunnel_fx_);
    return;
  }
}

void Dataplane::flush_paths() {
  for (const path::DiscoSend& out : path_fx_.sends) {
    if (out.datagram.size() > pool_.max_data()) {
      ++counters_.too_large;
    } else {
      send(out.to, out.peer, pool_.copy_of(out.datagram));
    }
  }
  for (const auto& change : path_fx_.changes) {
    const bool was_direct = !change.from.is_relay() && !change.from.is_none();
    const bool is_direct = !change.to.is_relay() && !change.to.is_none();
    if (is_direct && !was_direct) ++counters_.became_direct;
    if (was_direct && !is_direct) ++counters_.became_relayed;
    ports_.on_path_change(change);
  }
  for (const auto& done : path_fx_.pings_done) ports_.on_ping_done(done);
  if (path_fx_.wants_restun) ports_.wants_restun();
  for (const IpAddress& host : path_fx_.echoes) ports_.wants_echo(host);
  path_fx_.clear();
}

void Dataplane::flush_names() {
  if (!names_fx_.to_host.empty()) ports_.to_host(names_fx_.to_host);
  for (const auto& query : names_fx_.to_servers) ports_.to_dns_server(query);
  for (const auto& answer : names_fx_.answers) {
    ports_.on_dns_answer(answer.question, answer.response);
  }
  names_fx_.clear();
}

void Dataplane::send(const PathAddress& to, const NodePublicKey& peer, Packet packet) {
  if (to.is_none()) return;
  if (to.is_relay()) {
    ports_.to_relay(to.relay, peer, std::move(packet));
  } else {
    queue_udp(to.udp, std::move(packet));
  }
}

void Dataplane::queue_udp(const Endpoint& to, Packet packet) {
  udp_queue_.emplace_back(to, std::move(packet));
  if (udp_queue_.size() >= kBatch) send_queued();
}

void Dataplane::send_queued() {
  if (udp_queue_.empty()) return;
  for (const auto& [to, packet] : udp_queue_) udp_batch_.push_back({packet.bytes(), to});
  ports_.to_udp(udp_batch_);
  udp_batch_.clear();
  udp_queue_.clear();
}

}  // namespace aya::dataplane
