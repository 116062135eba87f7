// Service is what lives at 100.100.100.100 and its IPv6 twin: packets the host sends there are not
// for a peer, they are answered here (os-integration 1.2).
//
//   UDP to port 53   DNS: the resolver's answer, or the forwarder's later
//   TCP to port 53   through the door to our listening socket (tcp_door.h), where there is one
//   other TCP        a reset, so that nobody waits
//   ICMP echo        a reply, so that people can ping it
//   anything else    dropped
//
// Questions that come by other ways than packets are asked with ask().
//
// Pure: packets from the host in, packets to the host and queries to upstream servers out. One
// thread, the one of the packet pool.
#pragma once

#include <unordered_map>
#include <variant>

#include "daemon/dns/forwarder.h"
#include "daemon/dns/resolver.h"
#include "daemon/dns/tcp_door.h"
#include "daemon/filter/packet_view.h"
#include "proto/base/strong_id.h"
#include "proto/packet/packet_pool.h"

namespace aya::dns {

// Names a question that was asked with Service::ask(); chosen by the asker.
using QuestionId = StrongId<struct QuestionTag, std::uint64_t>;

class Service {
 public:
  struct Answer {
    QuestionId question;
    Buffer response;
  };
  struct Effects {
    std::vector<Packet> to_host;  // IP packets for the TUN
    std::vector<Forwarder::Send> to_servers;
    std::vector<Answer> answers;
    void clear() {
      to_host.clear();
      to_servers.clear();
      answers.clear();
    }
  };

  Service(Rng& rng, PacketPool& pool) : pool_(pool), forwarder_(rng) {}

  static bool is_service_address(const IpAddress& address);

  // With MagicDNS off the resolver knows no names and everything is forwarded.
  void configure(ResolverConfig names, ForwarderConfig upstreams);
  const Resolver& resolver() const { return resolver_; }
  const Forwarder& forwarder() const { return forwarder_; }
  // Whom a query of the host goes to if its name is not known here; empty: to nobody.
  Upstreams servers_for(Bytes query) const;
  // Sockets on own addresses that take DNS by TCP.
  void set_tcp_listeners(std::vector<Endpoint> at) { door_.set_listeners(std::move(at)); }

  // A packet of the host whose destination is a service address.
  void on_packet(const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out);
  // A question of the host that has no size limit, or one of a peer that uses us as its exit: the
  // mesh's own names are then none of its business, and only the forwarder answers. What is no
  // query at all gets an answer too. The answer comes in `out`, now or later.
  void ask(
      QuestionId question, Bytes query, Forwarder::For whom, WallTime wall, TimePoint now,
      Effects& out);
  void on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out);
  void on_stream_response(
      const Forwarder::Ticket& ticket, Bytes response, TimePoint now, Effects& out);
  void on_stream_failure(const Forwarder::Ticket& ticket, TimePoint now, Effects& out);
  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const { return forwarder_.next_deadline(); }

 private:
  struct ByPacket {
    Endpoint from, to;
  };
  using Asker = std::variant<ByPacket, QuestionId>;
  void on_query(const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out);
  void on_tcp(const filter::PacketView& packet, Effects& out);
  void forward(
      Asker asker, Bytes query, bool over_udp, Forwarder::For whom, TimePoint now, Effects& out);
  void pass_on(Effects& out);  // what the forwarder wants
  void to_host(std::optional<Packet> packet, Effects& out);

  PacketPool& pool_;
  TcpDoor door_;
  Resolver resolver_;
  Forwarder forwarder_;
  std::unordered_map<std::uint64_t, Asker> askers_;
  std::uint64_t last_asker_ = 0;
  Buffer response_;                   // keeps its capacity
  Forwarder::Effects forwarder_out_;  // likewise
};

}  // namespace aya::dns
