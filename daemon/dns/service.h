// Service is what lives at 100.100.100.100 and its IPv6 twin: packets the host sends there are not
// for a peer, they are answered here (os-integration 1.2).
//
//   UDP to port 53   DNS: the resolver's answer, or the forwarder's later
//   ICMP echo        a reply, so that people can ping it
//   TCP              a reset, so that nobody waits
//   anything else    dropped
//
// Pure: packets from the host in, packets to the host and datagrams to upstream servers out. One
// thread, the one of the packet pool.
#pragma once

#include <unordered_map>

#include "daemon/dns/forwarder.h"
#include "daemon/dns/resolver.h"
#include "daemon/filter/packet_view.h"
#include "proto/packet/packet_pool.h"

namespace aya::dns {

class Service {
 public:
  struct Effects {
    std::vector<Packet> to_host;              // IP packets for the TUN
    std::vector<Forwarder::Send> to_servers;  // UDP payloads, to be sent outside the tunnel
    void clear() {
      to_host.clear();
      to_servers.clear();
    }
  };

  Service(Rng& rng, PacketPool& pool) : pool_(pool), forwarder_(rng) {}

  static bool is_service_address(const IpAddress& address);

  // With MagicDNS off the resolver knows no names and everything is forwarded.
  void configure(ResolverConfig names, ForwarderConfig upstreams);
  const Resolver& resolver() const { return resolver_; }
  const Forwarder& forwarder() const { return forwarder_; }

  // A packet of the host whose destination is a service address.
  void on_packet(const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out);
  void on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out);
  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const { return forwarder_.next_deadline(); }

 private:
  struct Asker {
    Endpoint from, to;
  };
  void on_query(const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out);
  void pass_on(Effects& out);  // what the forwarder wants
  void to_host(std::optional<Packet> packet, Effects& out);

  PacketPool& pool_;
  Resolver resolver_;
  Forwarder forwarder_;
  std::unordered_map<std::uint64_t, Asker> askers_;
  std::uint64_t last_asker_ = 0;
  Buffer response_;                   // keeps its capacity
  Forwarder::Effects forwarder_out_;  // likewise
};

}  // namespace aya::dns
