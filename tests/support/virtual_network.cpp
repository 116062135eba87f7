#include "tests/support/virtual_network.h"

#include <algorithm>

#include "proto/base/check.h"
#include "proto/stun/binding.h"

namespace aya::test {

VirtualNetwork::NatId VirtualNetwork::add_nat(
    const IpAddress& outside, NatKind kind, std::optional<NatId> behind) {
  nats_.push_back({outside, kind, behind, {}});
  return {static_cast<std::uint32_t>(nats_.size() - 1)};
}

VirtualNetwork::HostId VirtualNetwork::add_host(
    const IpAddress& address, std::optional<NatId> behind, OnDatagram on_datagram,
    Duration latency) {
  hosts_.push_back({address, behind, std::move(on_datagram), latency});
  return {static_cast<std::uint32_t>(hosts_.size() - 1)};
}

void VirtualNetwork::add_stun_server(const Endpoint& at) { stun_servers_.insert(at); }

void VirtualNetwork::add_relay(RegionId region, Duration latency) {
  relays_[region].latency = latency;
}

void VirtualNetwork::join_relay(
    RegionId region, const NodePublicKey& key, HostId host, OnRelayed on_relayed) {
  relays_.at(region).clients[key] = {host, std::move(on_relayed)};
}

void VirtualNetwork::leave_relay(RegionId region, const NodePublicKey& key) {
  relays_.at(region).clients.erase(key);
}

void VirtualNetwork::block_udp(HostId host, bool blocked) {
  hosts_[host.value].udp_blocked = blocked;
}

void VirtualNetwork::cut(HostId a, HostId b) { cuts_.insert(std::minmax(a, b)); }
void VirtualNetwork::mend(HostId a, HostId b) { cuts_.erase(std::minmax(a, b)); }
bool VirtualNetwork::is_cut(HostId a, HostId b) const { return cuts_.contains(std::minmax(a, b)); }

void VirtualNetwork::restart_nat(NatId id, std::optional<IpAddress> new_outside) {
  Nat& nat = nats_[id.value];
  nat.mappings.clear();
  nat.restarted = true;
  if (new_outside) nat.outside = *new_outside;
}

void VirtualNetwork::set_relay_up(RegionId region, bool up) { relays_.at(region).up = up; }

void VirtualNetwork::move_host(HostId id, const IpAddress& address, std::optional<NatId> behind) {
  hosts_[id.value].address = address;
  hosts_[id.value].place = behind;
}

// --- datagrams
// --------------------------------------------------------------------------------------

void VirtualNetwork::send(const Socket& from, const Endpoint& to, Bytes datagram) {
  const Host& host = hosts_[from.host.value];
  ++datagrams_sent_;
  if (host.udp_blocked) return;
  if (std::uniform_real_distribution<>(0, 1)(random_) < weather_.loss) return;
  up(host.place,
     {from.host, {host.address, from.port}, to, Buffer(datagram.begin(), datagram.end())}, 0ms);
}

// Outwards through the sender's routers until the destination's network is reached. NATs translate
// at once; the time it takes is spent in between.
void VirtualNetwork::up(Place place, InFlight packet, Duration so_far) {
  HostId neighbour;
  if (place && host_at(place, packet.to.address, &neighbour)) {
    return at(now_ + 1ms, [this, neighbour, p = std::move(packet)] { arrive(neighbour, p); });
  }
  if (place && !nat_at(place, packet.to.address)) {
    Nat& nat = nats_[place->value];
    const bool hairpin = packet.to.address == nat.outside;
    if (hairpin && !nat.kind.hairpins) return;
    packet.from = translate_out(nat, packet.from, packet.to);
    return up(nat.place, std::move(packet), so_far);
  }
  Duration way = so_far + (place ? 1ms : hosts_[packet.sender.value].latency);
  if (weather_.spread > 0ms) {
    way +=
        Duration(std::uniform_int_distribution<std::int64_t>(0, weather_.spread.count())(random_));
  }
  at(now_ + way, [this, place, p = std::move(packet)]() mutable { down(place, std::move(p)); });
}

// Inwards, as the routers of the destination let it.
void VirtualNetwork::down(Place place, InFlight packet) {
  if (!place && stun_servers_.contains(packet.to)) return answer_stun(packet);
  HostId id;
  if (const Host* host = host_at(place, packet.to.address, &id)) {
    const Duration way = place ? 0ms : host->latency;
    return at(now_ + way, [this, id, p = std::move(packet)] { arrive(id, p); });
  }
  const auto router = nat_at(place, packet.to.address);
  if (!router) return;
  const auto inside = translate_in(nats_[router->value], packet.from, packet.to.port);
  if (!inside) return;
  packet.to = *inside;
  HostId target;
  if (const Host* host = host_at(router, inside->address, &target)) {
    return at(now_ + host->latency, [this, target, p = std::move(packet)] { arrive(target, p); });
  }
  down(router, std::move(packet));
}

void VirtualNetwork::arrive(HostId id, const InFlight& packet) {
  const Host& host = hosts_[id.value];
  if (host.udp_blocked || is_cut(id, packet.sender) || host.address != packet.to.address) return;
  host.on_datagram(packet.from, packet.to.port, packet.datagram);
}

void VirtualNetwork::answer_stun(const InFlight& packet) {
  const auto request = stun::parse_request(packet.datagram);
  if (!request) return;
  Buffer reply;
  stun::write_response(*request, packet.from, reply);
  down(std::nullopt, {packet.sender, packet.to, packet.from, std::move(reply)});
}

const VirtualNetwork::Host* VirtualNetwork::host_at(
    Place place, const IpAddress& address, HostId* id) const {
  for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].place != place || hosts_[i].address != address) continue;
    *id = HostId{i};
    return &hosts_[i];
  }
  return nullptr;
}

std::optional<VirtualNetwork::NatId> VirtualNetwork::nat_at(
    Place place, const IpAddress& address) const {
  for (std::uint32_t i = 0; i < nats_.size(); ++i) {
    if (nats_[i].place == place && nats_[i].outside == address) return NatId{i};
  }
  return std::nullopt;
}

// --- routers
// ----------------------------------------------------------------------------------------

Endpoint VirtualNetwork::translate_out(Nat& nat, const Endpoint& inside, const Endpoint& to) {
  forget_old_mappings(nat);
  std::optional<Endpoint> towards;
  if (nat.kind.mapping == NatKind::Mapping::EndpointDependent) towards = to;
  auto found = std::ranges::find_if(
      nat.mappings, [&](const Mapping& m) { return m.inside == inside && m.towards == towards; });
  if (found == nat.mappings.end()) {
    const std::uint16_t port = free_port(nat, inside.port);
    found = nat.mappings.insert(found, {inside, towards, port, {}, now_});
  }
  found->last_used = now_;
  found->contacted.insert(to);
  return {nat.outside, found->port};
}

std::optional<Endpoint> VirtualNetwork::translate_in(
    Nat& nat, const Endpoint& from, std::uint16_t port) {
  forget_old_mappings(nat);
  const auto found = std::ranges::find(nat.mappings, port, &Mapping::port);
  if (found == nat.mappings.end()) return std::nullopt;
  const auto known = [&](const Endpoint& contacted) {
    switch (nat.kind.filtering) {
      case NatKind::Filtering::EndpointIndependent:
        return true;
      case NatKind::Filtering::AddressDependent:
        return contacted.address == from.address;
      case NatKind::Filtering::AddressAndPortDependent:
        return contacted == from;
    }
    return false;
  };
  if (std::ranges::none_of(found->contacted, known)) return std::nullopt;
  found->last_used = now_;
  return found->inside;
}

void VirtualNetwork::forget_old_mappings(Nat& nat) {
  std::erase_if(
      nat.mappings, [&](const Mapping& m) { return now_ - m.last_used > nat.kind.forgets_after; });
}

std::uint16_t VirtualNetwork::free_port(const Nat& nat, std::uint16_t wanted) {
  const auto taken = [&](std::uint16_t port) {
    return std::ranges::find(nat.mappings, port, &Mapping::port) != nat.mappings.end();
  };
  if (nat.kind.preserves_ports && !nat.restarted && !taken(wanted)) return wanted;
  for (;;) {
    const auto port =
        static_cast<std::uint16_t>(std::uniform_int_distribution<unsigned>(1024, 65535)(random_));
    if (!taken(port)) return port;
  }
}

// --- relays and time
// --------------------------------------------------------------------------------

void VirtualNetwork::relay_send(
    RegionId region, const NodePublicKey& from, const NodePublicKey& to, Bytes bytes) {
  const auto relay = relays_.find(region);
  if (relay == relays_.end() || !relay->second.up) return;
  const auto sender = relay->second.clients.find(from);
  const auto receiver = relay->second.clients.find(to);
  if (sender == relay->second.clients.end() || receiver == relay->second.clients.end()) return;
  const Duration way = hosts_[sender->second.host.value].latency + relay->second.latency +
                       hosts_[receiver->second.host.value].latency;
  at(now_ + way, [this, region, from, to, copy = Buffer(bytes.begin(), bytes.end())] {
    const Relay& then = relays_.at(region);
    const auto client = then.clients.find(to);
    if (then.up && client != then.clients.end()) client->second.on_relayed(region, from, copy);
  });
}

void VirtualNetwork::at(TimePoint when, std::function<void()> what) {
  AYA_CHECK(when >= now_);
  events_.emplace(when, std::move(what));
}

void VirtualNetwork::advance(Duration by) {
  const TimePoint until = now_ + by;
  while (!events_.empty() && events_.begin()->first <= until) {
    auto event = events_.extract(events_.begin());
    now_ = event.key();
    event.mapped()();
  }
  now_ = until;
}

}  // namespace aya::test
