#include "daemon/plain/plain_device.h"

#include <algorithm>

#include "proto/netaddr/ip_address.h"

namespace aya::plain {
namespace {

constexpr std::uint8_t kVersion4 = 4;

// The destination of an IP packet; nullopt: not one.
std::optional<IpAddress> destination_of(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  const auto version = static_cast<std::uint8_t>(packet[0]) >> 4;
  if (version == kVersion4 && packet.size() >= 20) return IpAddress::v4(packet.subspan<16, 4>());
  if (version == 6 && packet.size() >= 40) return IpAddress::v6(packet.subspan<24, 16>());
  return std::nullopt;
}

}  // namespace

PlainDevice::PlainDevice(Rng& rng, PacketPool& pool, tunnel::Options options, Ports& ports)
    : pool_(pool), ports_(ports), tunnel_(NodePrivateKey(), rng, pool, std::move(options)) {}

// ---- configuration

void PlainDevice::apply(const DeviceEdit& edit, TimePoint now) {
  if (edit.private_key) {
    private_key_.reset();
    if (!edit.private_key->is_zero()) private_key_ = *edit.private_key;
    tunnel_.set_private_key(*edit.private_key);
  }
  if (edit.replace_peers) {
    for (std::uint32_t i = 0; i < peers_.size(); ++i) remove_peer(PeerId{i});
  }
  for (const PeerEdit& peer : edit.peers) apply_peer(peer, now);
  flush();
}

void PlainDevice::apply_peer(const PeerEdit& edit, TimePoint now) {
  auto id = tunnel_.find(edit.public_key);
  if (edit.remove) {
    if (id) remove_peer(*id);
    return;
  }
  if (!id && edit.update_only) return;
  // A peer with our own key would talk to itself: deployed programs pass it over.
  if (private_key_ && private_key_->public_key() == edit.public_key) return;
  if (!id) id = add_peer(edit.public_key);

  tunnel::PeerConfig config = *tunnel_.config(*id);
  const bool had_keepalive = config.keepalive_interval != Duration{0};
  if (edit.preshared_key) config.preshared_key = *edit.preshared_key;
  if (edit.keepalive_seconds) {
    config.keepalive_interval = std::chrono::seconds(*edit.keepalive_seconds);
  }
  tunnel_.upsert_peer(*id, config);
  if (edit.endpoint) peers_[id->value]->endpoint = edit.endpoint;
  if (edit.replace_allowed_ips) tunnel_.set_allowed_ips(*id, {});
  for (const auto& [prefix, remove] : edit.allowed_ips) {
    if (remove) {
      tunnel_.remove_allowed_ip(*id, prefix);
    } else {
      tunnel_.add_allowed_ip(*id, prefix);
    }
  }
  // A keepalive that was just switched on opens the way at once, as users expect.
  if (!had_keepalive && config.keepalive_interval != Duration{0}) {
    Packet nothing = pool_.take();
    tunnel_.seal(*id, {&nothing, 1}, now, effects_);
  }
}

PeerId PlainDevice::add_peer(const NodePublicKey& key) {
  const auto free = std::ranges::find_if(peers_, [](const auto& slot) { return !slot; });
  const PeerId id{static_cast<std::uint32_t>(free - peers_.begin())};
  if (free == peers_.end()) peers_.emplace_back();
  peers_[id.value] = Peer{key, std::nullopt};
  tunnel_.upsert_peer(id, {.public_key = key});
  return id;
}

void PlainDevice::remove_peer(PeerId id) {
  if (!peers_[id.value]) return;
  tunnel_.remove_peer(id);
  peers_[id.value].reset();
}

DeviceView PlainDevice::view() const {
  DeviceView out;
  out.private_key = private_key_;
  for (std::uint32_t i = 0; i < peers_.size(); ++i) {
    if (!peers_[i]) continue;
    const auto config = tunnel_.config(PeerId{i});
    const auto stats = tunnel_.stats(PeerId{i});
    if (!config || !stats) continue;
    PeerView& peer = out.peers.emplace_back();
    peer.public_key = config->public_key;
    peer.preshared_key = config->preshared_key;
    peer.endpoint = peers_[i]->endpoint;
    peer.last_handshake = stats->last_handshake;
    peer.tx_bytes = stats->tx_bytes;
    peer.rx_bytes = stats->rx_bytes;
    peer.keepalive_seconds = static_cast<std::uint16_t>(
        std::chrono::duration_cast<std::chrono::seconds>(config->keepalive_interval).count());
    const auto allowed = tunnel_.allowed_ips(PeerId{i});
    peer.allowed_ips.assign(allowed.begin(), allowed.end());
  }
  return out;
}

// ---- packets

void PlainDevice::from_host(std::span<Packet> packets, TimePoint now) {
  std::size_t begin = 0;
  std::optional<PeerId> peer;
  const auto seal_run = [&](std::size_t end) {
    if (peer) tunnel_.seal(*peer, packets.subspan(begin, end - begin), now, effects_);
  };
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto destination = destination_of(packets[i].bytes());
    const auto next = destination ? tunnel_.peer_for(*destination) : std::nullopt;
    if (next && next == peer) continue;
    seal_run(i);
    begin = i;
    peer = next;
  }
  seal_run(packets.size());
  flush();
}

void PlainDevice::from_udp(std::span<UdpIn> arrivals, TimePoint now) {
  for (UdpIn& arrival : arrivals) {
    datagrams_.push_back(
        {std::move(arrival.packet), PathAddress::direct(arrival.from), NodePublicKey{}});
  }
  tunnel_.open(datagrams_, now, effects_);
  datagrams_.clear();
  flush();
}

void PlainDevice::advance(TimePoint now) {
  tunnel_.advance(now, effects_);
  flush();
}

void PlainDevice::flush() {
  // Roaming: answers go where the peer was last authentically heard.
  for (const tunnel::Heard& heard : effects_.heard) {
    const std::size_t id = heard.peer.value;
    if (id < peers_.size() && peers_[id]) peers_[id]->endpoint = heard.from.udp;
  }
  for (auto& opened : effects_.to_host) to_host_.push_back(std::move(opened.inner));
  if (!to_host_.empty()) ports_.to_host(to_host_);
  to_host_.clear();

  for (const auto& [id, datagram] : effects_.to_network) {
    if (id.value >= peers_.size() || !peers_[id.value]) continue;
    if (const auto& endpoint = peers_[id.value]->endpoint) {
      to_udp_.push_back({datagram.bytes(), *endpoint});
    }
  }
  for (const auto& reply : effects_.to_source) {
    to_udp_.push_back({reply.datagram.bytes(), reply.to.udp});
  }
  if (!to_udp_.empty()) ports_.to_udp(to_udp_);
  to_udp_.clear();
  effects_.clear();
}

}  // namespace aya::plain
