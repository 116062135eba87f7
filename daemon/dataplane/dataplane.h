// The dataplane carries packets between the host and the network: it joins the WireGuard engine,
// the endpoint engine, the packet filter and the resolver at 100.100.100.100.
//
//   from host   service address? -> dns    else (sites) filter -> tunnel.seal -> route -> UDP or
//   relay from UDP    STUN -> Ports::on_stun     DISCO -> paths     WireGuard -> tunnel.open from
//   relay                             DISCO -> paths     WireGuard -> tunnel.open opened      TSMP
//   -> paths, inner pings  else filter (sites) -> host
//
// (sites): IPv4 and its images, where we route for one of several homes with the same addresses.
//
// Pure: what must leave goes through Ports, which the owner implements over sockets, or over a
// virtual network in tests. Batches in, batches out; nothing here allocates per packet once its
// vectors have grown. Call advance() no later than next_deadline(), which may change with every
// call. One thread, the one of the packet pool.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "daemon/dataplane/inner_pings.h"
#include "daemon/dns/service.h"
#include "daemon/filter/filter.h"
#include "daemon/flow_logs/flow_counter.h"
#include "daemon/path/path_engine.h"
#include "daemon/sites/site_gateway.h"
#include "daemon/tunnel/tunnel.h"
#include "proto/netaddr/prefix_table.h"

namespace aya::dataplane {

// A datagram for the UDP socket, borrowed for the call.
struct UdpDatagram {
  Bytes bytes;
  Endpoint to;
};

// A datagram from the UDP socket.
struct UdpArrival {
  Packet packet;
  Endpoint from;
};

// What the netmap says about a peer, as far as packets are concerned.
struct PeerFacts {
  path::PeerPath path;                 // node key, disco key, endpoints, home region
  std::vector<Prefix> allowed_ips;     // what may be sent to it and accepted from it
  std::vector<IpAddress> addresses;    // its overlay addresses: IPv4 first
  std::vector<IpAddress> knows_us_as;  // where it is not by our own: at most one per family
  bool is_jailed = false;              // may answer, but not speak first
  std::vector<Prefix> subnets;         // behind it: its routes but for those to the Internet

  friend bool operator==(const PeerFacts& a, const PeerFacts& b);
};

// WireGuard datagrams by the way they took; incoming ones are counted before they are opened.
struct WayTraffic {
  std::uint64_t packets = 0, bytes = 0;
  void count(std::size_t size) {
    ++packets;
    bytes += size;
  }
};
struct Traffic {
  WayTraffic relay, direct_v4, direct_v6;
  WayTraffic& by(const PathAddress& way) {
    if (way.is_relay()) return relay;
    return way.udp.address.is_v4() ? direct_v4 : direct_v6;
  }
};

struct Counters {
  Traffic in, out;
  std::uint64_t handshakes = 0;  // that were completed
  std::uint64_t became_direct = 0, became_relayed = 0;
  std::uint64_t no_peer = 0;  // from the host to nobody's address
  std::uint64_t no_path = 0;  // sealed, but the peer is nowhere
  std::uint64_t filtered_in = 0, filtered_out = 0;
  std::uint64_t geneve = 0;     // peer-relay datagrams, which we do not speak yet
  std::uint64_t too_large = 0;  // relayed datagrams larger than a packet
};

class Dataplane {
 public:
  // Everything the dataplane asks of the program. Calls come from within calls of the owner, and
  // must not lead back into the dataplane.
  class Ports {
   public:
    virtual ~Ports() = default;
    virtual void to_host(std::span<const Packet> packets) = 0;
    virtual void to_udp(std::span<const UdpDatagram> datagrams) = 0;
    virtual void to_relay(RegionId region, const NodePublicKey& peer, Packet packet) = 0;
    virtual void to_dns_server(const dns::Forwarder::Send& query) = 0;
    virtual void on_dns_answer(dns::QuestionId question, Bytes response) = 0;
    virtual void on_stun(Bytes datagram, const Endpoint& from) = 0;
    virtual void on_path_change(const path::PathChange& change) = 0;
    virtual void on_ping_done(const path::PingDone& done) = 0;
    virtual void on_inner_ping_done(const InnerPingDone& done) = 0;
    virtual void on_handshake(PeerId peer) = 0;
    // Our own endpoints are older than a CallMeMaybe may carry: ask STUN again.
    virtual void wants_restun() = 0;
    // How far is this host, by ICMP echo? The answer, if there is one, goes to on_echo().
    virtual void wants_echo(const IpAddress& host) = 0;
  };

  // References outlive the dataplane.
  Dataplane(
      const NodePrivateKey& self, const DiscoPrivateKey& disco, Rng& rng, PacketPool& pool,
      tunnel::Options options, Ports& ports);

  // ---- the map
  void set_self_key(const NodePrivateKey& self);                 // after a key rotation
  void set_own_addresses(std::span<const IpAddress> addresses);  // overlay, IPv4 first
  // What we are a router for, own addresses among it: the filter's destinations, and sites.
  void set_local_destinations(std::span<const Prefix> local);
  void upsert_peer(PeerId peer, const PeerFacts& facts, TimePoint now);
  void remove_peer(PeerId peer);
  filter::Filter& packet_filter() { return filter_; }
  const filter::Filter& packet_filter() const { return filter_; }
  dns::Service& names() { return names_; }
  const dns::Service& names() const { return names_; }
  // Own addresses and ports at which every peer may connect by TCP, whatever the filter says: who
  // may do what is decided there.
  void set_peer_api(std::vector<Endpoint> at) { peer_api_ = std::move(at); }
  // Behind this node, as PeerFacts::subnets are behind peers.
  void set_own_subnets(std::span<const Prefix> subnets);
  // Counts what passes from now on, until it is told otherwise; nullptr: nothing is counted.
  // Outlives that.
  void set_flow_counter(flow_logs::FlowCounter* counter) { flows_ = counter; }

  // ---- packets. What is taken is moved out of the span.
  void from_host(std::span<Packet> packets, WallTime wall, TimePoint now);
  void from_udp(std::span<UdpArrival> arrivals, TimePoint now);
  void from_relay(RegionId region, const NodePublicKey& sender, Packet packet, TimePoint now);
  void from_dns_server(const Endpoint& server, Bytes response, TimePoint now);
  void from_dns_stream(const dns::Forwarder::Ticket& ticket, Bytes response, TimePoint now);
  void dns_stream_failed(const dns::Forwarder::Ticket& ticket, TimePoint now);
  void ask_names(
      dns::QuestionId question, Bytes query, dns::Forwarder::For whom, WallTime wall,
      TimePoint now);

  // ---- what the network says
  void set_own_endpoints(std::vector<Endpoint> endpoints, TimePoint now);
  void link_changed(TimePoint now);
  void unreachable(const Endpoint& at, TimePoint now);
  void on_echo(const IpAddress& from, Duration latency, TimePoint now);
  void peer_gone_from_relay(const NodePublicKey& peer, RegionId region);
  void ping(PeerId peer, path::PingId id, std::size_t size, TimePoint now);
  void probe(PeerId peer, path::PingId id, TimePoint now);  // by every way at once
  // To one of the peer's addresses, inside the tunnel; false: we have none of that family.
  bool inner_ping(PeerId peer, path::PingId id, InnerPing kind, const IpAddress& to, TimePoint now);

  void advance(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

  // ---- what people ask
  const tunnel::Tunnel& tunnel() const { return tunnel_; }
  const path::PathEngine& paths() const { return paths_; }
  const Counters& counters() const { return counters_; }
  const sites::SiteGateway& site_gateway() const { return sites_; }
  DiscoPublicKey disco_key() const { return paths_.disco_key(); }
  std::optional<PeerId> peer_for(const IpAddress& address) const {
    return tunnel_.peer_for(address);
  }
  // When something was last sent to the peer.
  std::optional<TimePoint> last_sent(PeerId peer) const;

 private:
  static constexpr std::size_t kBatch = 64;
  using Subnets = PrefixTable<std::monostate>;

  struct Peer {
    NodePublicKey key;
    DiscoPublicKey disco;
    std::vector<IpAddress> addresses, knows_us_as;
    bool is_jailed = false;
    std::optional<TimePoint> last_sent;
    std::unique_ptr<Subnets> subnets;  // nullptr: there are none
  };

  Peer* find(PeerId peer);
  const Peer* find(PeerId peer) const;

  void seal(PeerId peer, std::span<Packet> packets, TimePoint now);
  // As the peer knows us.
  void disguise(const Peer& peer, Packet& packet) const;
  // Back again. True: the packet was changed, and the view is stale.
  bool undisguise(const Peer& peer, Packet& packet, const filter::PacketView& view) const;
  void to_service(const filter::PacketView& packet, WallTime wall, TimePoint now);
  bool is_for_peer_api(const filter::PacketView& packet) const;
  void take_inner(tunnel::ToHost& opened, TimePoint now);
  bool take_inner_ping(PeerId peer, const filter::PacketView& view, TimePoint now);
  bool to_site(tunnel::ToHost& opened, const filter::PacketView& view);
  void announce_disco_key(PeerId peer, TimePoint now);
  // Flow logs (flow_counting.cpp).
  void count_flow(flow_logs::Way way, PeerId peer, const filter::PacketView& packet);
  flow_logs::Kind kind_of(PeerId peer, const IpAddress& own, const IpAddress& other) const;
  void count_sent(const Peer& peer, const path::Route& route, std::size_t bytes);
  void count_heard(const tunnel::Heard& heard);
  void flush(TimePoint now);  // carries out what the engines asked for, until nothing is left
  void flush_tunnel(TimePoint now);
  void flush_paths();
  void flush_names();
  void send(const PathAddress& to, const NodePublicKey& peer, Packet packet);
  void queue_udp(const Endpoint& to, Packet packet);
  void send_queued();

  PacketPool& pool_;
  Ports& ports_;
  tunnel::Tunnel tunnel_;
  path::PathEngine paths_;
  filter::Filter filter_;
  sites::SiteGateway sites_;
  dns::Service names_;
  InnerPings inner_pings_;
  std::vector<std::optional<Peer>> peers_;  // by PeerId
  std::vector<IpAddress> own_addresses_;
  std::vector<Endpoint> peer_api_;
  Subnets own_subnets_;
  flow_logs::FlowCounter* flows_ = nullptr;
  Counters counters_;

  // Scratch: kept for its capacity.
  tunnel::Effects tunnel_fx_;
  path::Effects path_fx_;
  dns::Service::Effects names_fx_;
  std::vector<tunnel::Datagram> datagrams_;
  std::vector<InnerPingDone> inner_pings_done_;
  std::vector<Packet> to_host_;
  std::vector<std::pair<Endpoint, Packet>> udp_queue_;
  std::vector<UdpDatagram> udp_batch_;
  Buffer announcement_;
};

}  // namespace aya::dataplane
