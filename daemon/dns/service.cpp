#include "daemon/dns/service.h"

#include "daemon/dns/ip_reply.h"

namespace aya::dns {
namespace {

constexpr std::uint16_t kDnsPort = 53;

}  // namespace

bool Service::is_service_address(const IpAddress& address) {
  static const IpAddress v6 = service_address_6();
  return address == kServiceAddress4 || address == v6;
}

void Service::configure(ResolverConfig names, ForwarderConfig upstreams) {
  if (names != resolver_.config()) resolver_.configure(std::move(names));
  forwarder_.configure(std::move(upstreams));
}

void Service::on_packet(
    const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out) {
  if (packet.protocol == filter::kUdp && packet.destination.port == kDnsPort) {
    on_query(packet, wall, now, out);
  } else if (packet.is_echo_request()) {
    to_host(echo_reply(pool_, packet), out);
  } else if (packet.protocol == filter::kTcp && (packet.tcp_flags & filter::kTcpReset) == 0) {
    to_host(tcp_reset(pool_, packet), out);
  }
}

void Service::on_query(
    const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out) {
  const Bytes query = packet.transport.subspan(filter::kUdpHeaderSize);
  if (resolver_.answer(query, wall, response_) == Outcome::Answered) {
    to_host(udp_packet(pool_, packet.destination, packet.source, response_), out);
    return;
  }
  const std::uint64_t asker = ++last_asker_;
  askers_.emplace(asker, Asker{packet.source, packet.destination});
  forwarder_.query(asker, query, true, now, forwarder_out_);
  pass_on(out);
}

void Service::on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out) {
  forwarder_.on_response(from, response, now, forwarder_out_);
  pass_on(out);
}

void Service::advance(TimePoint now, Effects& out) {
  forwarder_.advance(now, forwarder_out_);
  pass_on(out);
}

void Service::pass_on(Effects& out) {
  for (Forwarder::Send& send : forwarder_out_.to_servers) out.to_servers.push_back(std::move(send));
  for (const Forwarder::Reply& reply : forwarder_out_.to_askers) {
    const auto asker = askers_.find(reply.asker);
    if (asker == askers_.end()) continue;
    to_host(udp_packet(pool_, asker->second.to, asker->second.from, reply.response), out);
    askers_.erase(asker);
  }
  forwarder_out_.clear();
}

void Service::to_host(std::optional<Packet> packet, Effects& out) {
  if (packet) out.to_host.push_back(std::move(*packet));
}

}  // namespace aya::dns
