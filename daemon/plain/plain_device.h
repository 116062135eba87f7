// A plain WireGuard interface: the tunnel, and for each peer the address it was last heard from
// (dataplane 1.9). No paths, relays or filter. Pure: datagrams and packets leave through Ports.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/plain/uapi.h"
#include "daemon/tunnel/tunnel.h"

namespace aya::plain {

struct UdpOut {
  Bytes bytes;
  Endpoint to;
};
struct UdpIn {
  Packet packet;
  Endpoint from;
};

class PlainDevice {
 public:
  class Ports {
   public:
    virtual ~Ports() = default;
    virtual void to_host(std::span<const Packet> packets) = 0;
    virtual void to_udp(std::span<const UdpOut> datagrams) = 0;
  };

  // References outlive the device.
  PlainDevice(Rng& rng, PacketPool& pool, tunnel::Options options, Ports& ports);

  // Everything but port and mark, which are the socket's.
  void apply(const DeviceEdit& edit, TimePoint now);
  DeviceView view() const;  // port and mark are left at 0

  void from_host(std::span<Packet> packets, TimePoint now);
  void from_udp(std::span<UdpIn> arrivals, TimePoint now);
  void advance(TimePoint now);
  std::optional<TimePoint> next_deadline() const { return tunnel_.next_deadline(); }
  const tunnel::Tunnel& tunnel() const { return tunnel_; }

 private:
  struct Peer {
    NodePublicKey key;
    std::optional<Endpoint> endpoint;
  };

  void apply_peer(const PeerEdit& edit, TimePoint now);
  PeerId add_peer(const NodePublicKey& key);
  void remove_peer(PeerId id);
  void flush();

  PacketPool& pool_;
  Ports& ports_;
  tunnel::Tunnel tunnel_;
  std::optional<NodePrivateKey> private_key_;
  std::vector<std::optional<Peer>> peers_;  // by PeerId
  tunnel::Effects effects_;                 // scratch, kept for its capacity
  std::vector<tunnel::Datagram> datagrams_;
  std::vector<Packet> to_host_;
  std::vector<UdpOut> to_udp_;
};

}  // namespace aya::plain
