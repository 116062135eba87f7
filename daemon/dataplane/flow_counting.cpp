// The dataplane's part of flow logs: whose a packet is, and where it is counted.
#include <algorithm>

#include "daemon/dataplane/dataplane.h"
#include "proto/netaddr/overlay_range.h"

namespace aya::dataplane {
namespace {

using flow_logs::FlowKey;
using flow_logs::Kind;
using flow_logs::Way;

// As the packet says it itself, where the view has a mark in its place.
std::uint8_t protocol_of(const filter::PacketView& packet) {
  if (packet.protocol != filter::kLaterFragment) return packet.protocol;
  constexpr std::size_t kInIpv4 = 9, kInFragmentHeader = 40;
  const std::size_t at = packet.version == 4 ? kInIpv4 : kInFragmentHeader;
  return static_cast<std::uint8_t>(packet.packet[at]);
}

enum class Place { Mesh, Subnet, Internet };

Place place_of(
    const IpAddress& address, const std::vector<IpAddress>& addresses,
    const PrefixTable<std::monostate>* subnets) {
  if (std::ranges::find(addresses, address) != addresses.end()) return Place::Mesh;
  // Before the ranges of the mesh: the images of homes are among those.
  if (subnets != nullptr && subnets->find(address) != nullptr) return Place::Subnet;
  return is_in_overlay_range(address) ? Place::Mesh : Place::Internet;
}

}  // namespace

void Dataplane::set_own_subnets(std::span<const Prefix> subnets) {
  own_subnets_.clear();
  for (const Prefix& subnet : subnets) own_subnets_.set(subnet, {});
}

Kind Dataplane::kind_of(PeerId peer, const IpAddress& own, const IpAddress& other) const {
  const Peer* known = find(peer);
  static const std::vector<IpAddress> nobody;
  const Place here = place_of(own, own_addresses_, &own_subnets_);
  const Place there = known == nullptr
                          ? place_of(other, nobody, nullptr)
                          : place_of(other, known->addresses, known->subnets.get());
  if (here == Place::Internet || there == Place::Internet) return Kind::Internet;
  return here == Place::Mesh && there == Place::Mesh ? Kind::Mesh : Kind::Subnet;
}

void Dataplane::count_flow(Way way, PeerId peer, const filter::PacketView& packet) {
  FlowKey key{protocol_of(packet), packet.source, packet.destination};
  if (way == Way::Received) std::swap(key.source, key.destination);
  flow_logs::Count* count = flows_->known(way, key);
  if (count == nullptr) {
    const Kind kind = kind_of(peer, key.source.address, key.destination.address);
    count = &flows_->begin(way, key, kind);
  }
  if (way == Way::Sent) {
    ++count->sent_packets;
    count->sent_bytes += packet.packet.size();
  } else {
    ++count->received_packets;
    count->received_bytes += packet.packet.size();
  }
}

void Dataplane::count_sent(const Peer& peer, const path::Route& route, std::size_t bytes) {
  if (peer.addresses.empty()) return;
  const auto count = [&](const PathAddress& way) {
    flow_logs::Count& outer = flows_->outer(peer.addresses.front(), way);
    ++outer.sent_packets;
    outer.sent_bytes += bytes;
  };
  if (!route.primary.is_none()) count(route.primary);
  if (route.also) count(*route.also);
}

void Dataplane::count_heard(const tunnel::Heard& heard) {
  const Peer* peer = find(heard.peer);
  if (peer == nullptr || peer->addresses.empty()) return;
  flow_logs::Count& outer = flows_->outer(peer->addresses.front(), heard.from);
  outer.received_packets += heard.packets;
  outer.received_bytes += heard.bytes;
}

}  // namespace aya::dataplane
