#include "daemon/dns/service.h"

#include "daemon/dns/ip_reply.h"

namespace aya::dns {
bool Service::is_service_address(const IpAddress& address) {
  static const IpAddress v6 = service_address_6();
  return address == kServiceAddress4 || address == v6;
}

void Service::configure(ResolverConfig names, ForwarderConfig upstreams) {
  if (names != resolver_.config()) resolver_.configure(std::move(names));
  forwarder_.configure(std::move(upstreams));
}

Upstreams Service::servers_for(Bytes query) const {
  const auto parsed = parse_query(query);
  if (!parsed) return {};
  return forwarder_.servers_for(to_lower(parsed->question.name));
}

void Service::on_packet(
    const filter::PacketView& packet, WallTime wall, TimePoint now, Effects& out) {
  if (packet.protocol == filter::kUdp && packet.destination.port == kDnsPort) {
    on_query(packet, wall, now, out);
  } else if (packet.is_echo_request()) {
    to_host(echo_reply(pool_, packet), out);
  } else if (packet.protocol == filter::kTcp) {
    on_tcp(packet, out);
  }
}

void Service::on_tcp(const filter::PacketView& packet, Effects& out) {
  if (packet.packet.size() > pool_.max_data()) return;
  Packet turned = pool_.copy_of(packet.packet);
  if (door_.pass(turned.mutable_bytes(), packet)) {
    out.to_host.push_back(std::move(turned));
  } else if ((packet.tcp_flags & filter::kTcpReset) == 0) {
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
  const ByPacket asker{packet.source, packet.destination};
  forward(asker, query, true, Forwarder::For::Host, now, out);
}

void Service::ask(
    QuestionId question, Bytes query, Forwarder::For whom, WallTime wall, TimePoint now,
    Effects& out) {
  if (whom == Forwarder::For::Peer) {
    if (parse_query(query)) return forward(question, query, false, whom, now, out);
    write_format_error(query, response_);
  } else if (
      resolver_.answer(query, wall, response_, Resolver::Transport::Stream) == Outcome::Forward) {
    return forward(question, query, false, whom, now, out);
  }
  out.answers.push_back({question, response_});
}

void Service::forward(
    Asker asker, Bytes query, bool over_udp, Forwarder::For whom, TimePoint now, Effects& out) {
  const std::uint64_t number = ++last_asker_;
  askers_.emplace(number, asker);
  forwarder_.query(number, query, over_udp, now, forwarder_out_, whom);
  pass_on(out);
}

void Service::on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out) {
  forwarder_.on_response(from, response, now, forwarder_out_);
  pass_on(out);
}

void Service::on_stream_response(
    const Forwarder::Ticket& ticket, Bytes response, TimePoint now, Effects& out) {
  forwarder_.on_stream_response(ticket, response, now, forwarder_out_);
  pass_on(out);
}

void Service::on_stream_failure(const Forwarder::Ticket& ticket, TimePoint now, Effects& out) {
  forwarder_.on_stream_failure(ticket, now, forwarder_out_);
  pass_on(out);
}

void Service::advance(TimePoint now, Effects& out) {
  forwarder_.advance(now, forwarder_out_);
  pass_on(out);
}

void Service::pass_on(Effects& out) {
  for (Forwarder::Send& send : forwarder_out_.to_servers) out.to_servers.push_back(std::move(send));
  for (Forwarder::Reply& reply : forwarder_out_.to_askers) {
    const auto asker = askers_.find(reply.asker);
    if (asker == askers_.end()) continue;
    if (const auto* packet = std::get_if<ByPacket>(&asker->second)) {
      to_host(udp_packet(pool_, packet->to, packet->from, reply.response), out);
    } else {
      out.answers.push_back({std::get<QuestionId>(asker->second), std::move(reply.response)});
    }
    askers_.erase(asker);
  }
  forwarder_out_.clear();
}

void Service::to_host(std::optional<Packet> packet, Effects& out) {
  if (packet) out.to_host.push_back(std::move(*packet));
}

}  // namespace aya::dns
