#include "daemon/app/metrics.h"

#include <algorithm>

namespace aya::app {
namespace {

using local::DropReason;
using local::Way;

local::Traffic to_local(const dataplane::WayTraffic& traffic) {
  return {traffic.packets, traffic.bytes};
}

// "UnknownPeer" and "unknown peer" as parts of metric names: "unknown_peer".
std::string metric_word(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper && !out.empty() && out.back() != '_') out += '_';
    if (plain) out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    if (!plain && !out.empty() && out.back() != '_') out += '_';
  }
  return out;
}

}  // namespace

local::TrafficTotals totals_of(const dataplane::Dataplane& dataplane) {
  local::TrafficTotals out;
  const dataplane::Counters& counted = dataplane.counters();
  out.in_by(Way::Relay) = to_local(counted.in.relay);
  out.in_by(Way::DirectV4) = to_local(counted.in.direct_v4);
  out.in_by(Way::DirectV6) = to_local(counted.in.direct_v6);
  out.out_by(Way::Relay) = to_local(counted.out.relay);
  out.out_by(Way::DirectV4) = to_local(counted.out.direct_v4);
  out.out_by(Way::DirectV6) = to_local(counted.out.direct_v6);
  out.handshakes_done = counted.handshakes;
  out.became_direct = counted.became_direct;
  out.became_relayed = counted.became_relayed;

  const filter::Filter& filter = dataplane.packet_filter();
  const auto tell = [&](filter::Reason reason, DropReason as) {
    out.dropped_in_by(as) += filter.count_in(reason);
    out.dropped_out_by(as) += filter.count_out(reason);
  };
  using filter::Reason;
  tell(Reason::TooShort, DropReason::TooShort);
  tell(Reason::UnknownProtocol, DropReason::UnknownProtocol);
  tell(Reason::Multicast, DropReason::Multicast);
  tell(Reason::LinkLocal, DropReason::LinkLocalUnicast);
  tell(Reason::DestinationNotOurs, DropReason::Acl);
  tell(Reason::ProtocolNotAllowed, DropReason::Acl);
  tell(Reason::NoRule, DropReason::Acl);

  const tunnel::Counters& tunnel = dataplane.tunnel().counters();
  out.handshakes_given_up = tunnel[tunnel::Drop::GaveUp];
  for (const tunnel::Drop why : {tunnel::Drop::BadInner, tunnel::Drop::WrongSource}) {
    out.dropped_in_by(DropReason::Error) += tunnel[why];
  }
  for (const tunnel::Drop why :
       {tunnel::Drop::StagingFull, tunnel::Drop::GaveUp, tunnel::Drop::NoRoom}) {
    out.dropped_out_by(DropReason::Error) += tunnel[why];
  }
  out.dropped_out_by(DropReason::Error) += counted.no_peer + counted.no_path;
  return out;
}

std::vector<local::InternalCounter> counters_of(
    const dataplane::Dataplane& dataplane, const os::Tun::Counters& interface,
    const flow_logs::FlowLog::Counters& flows) {
  std::vector<local::InternalCounter> out;
  const auto tell = [&out](const std::string& name, std::uint64_t value) {
    out.push_back({"ayatori_" + name, value});
  };
  const dataplane::Counters& counted = dataplane.counters();
  tell("dataplane_no_peer", counted.no_peer);
  tell("dataplane_no_path", counted.no_path);
  tell("dataplane_filtered_in", counted.filtered_in);
  tell("dataplane_filtered_out", counted.filtered_out);
  tell("dataplane_geneve", counted.geneve);
  tell("dataplane_too_large", counted.too_large);
  const path::Drops& drops = dataplane.paths().drops();
  tell("disco_not_disco", drops.not_disco);
  tell("disco_unknown_sender", drops.unknown_sender);
  tell("disco_bad_seal", drops.bad_seal);
  tell("disco_bad_message", drops.bad_message);
  tell("disco_wrong_carrier", drops.wrong_carrier);
  tell("disco_unknown_pong", drops.unknown_pong);
  tell("disco_duplicate_ping", drops.duplicate_ping);
  tell("disco_rate_limited", drops.rate_limited);
  const dns::Forwarder::Counters& names = dataplane.names().forwarder().counters();
  tell("dns_queries", names.queries);
  tell("dns_answered", names.answered);
  tell("dns_failed", names.failed);
  tell("dns_timed_out", names.timed_out);
  tell("dns_overload", names.overload);
  tell("dns_by_udp", names.by_udp);
  tell("dns_by_tcp", names.by_tcp);
  tell("dns_by_https", names.by_https);
  tell("dns_truncated", names.truncated);
  tell("dns_stray", names.stray);
  for (std::size_t i = 0; i < filter::kReasonCount; ++i) {
    const auto reason = static_cast<filter::Reason>(i);
    const std::string word = metric_word(filter::to_text(reason));
    tell("filter_in_" + word, dataplane.packet_filter().count_in(reason));
    tell("filter_out_" + word, dataplane.packet_filter().count_out(reason));
  }
  tell("flow_logs_windows_sent", flows.windows.sent);
  tell("flow_logs_windows_refused", flows.windows.refused);
  tell("flow_logs_windows_dropped", flows.windows.dropped);
  tell("flow_logs_rows_waiting", flows.waiting);
  tell("flow_logs_flows_overflowed", flows.overflowed);
  tell("interface_read", interface.read);
  tell("interface_refused_by_host", interface.refused_by_host);
  tell("interface_written", interface.written);
  const sites::SiteGateway::Counters& sites = dataplane.site_gateway().counters();
  tell("sites_to_site", sites.to_site);
  tell("sites_from_site", sites.from_site);
  tell("sites_untranslatable", sites.untranslatable);
  tell("sites_no_ipv4", sites.no_ipv4);
  const tunnel::Counters& tunnel = dataplane.tunnel().counters();
  for (std::size_t i = 0; i < static_cast<std::size_t>(tunnel::Drop::kCount); ++i) {
    const auto why = static_cast<tunnel::Drop>(i);
    tell("tunnel_drop_" + metric_word(tunnel::to_text(why)), tunnel[why]);
  }
  tell("tunnel_initiations_sent", tunnel.initiations_sent);
  tell("tunnel_initiations_taken", tunnel.initiations_taken);
  tell("tunnel_responses_sent", tunnel.responses_sent);
  tell("tunnel_responses_taken", tunnel.responses_taken);
  tell("tunnel_cookies_sent", tunnel.cookies_sent);
  tell("tunnel_cookies_taken", tunnel.cookies_taken);
  tell("tunnel_keepalives_sent", tunnel.keepalives_sent);
  tell("tunnel_keepalives_taken", tunnel.keepalives_taken);
  return out;
}

std::size_t advertised_routes(const local::Prefs& prefs) {
  return static_cast<std::size_t>(std::ranges::count_if(
      prefs.advertise_routes, [](const Prefix& route) { return route.length != 0; }));
}

std::size_t approved_routes(const control::Node& self, const local::Prefs& prefs) {
  if (!self.allowed_ips) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(prefs.advertise_routes, [&self](const Prefix& route) {
        return route.length != 0 &&
               std::ranges::find(*self.allowed_ips, route) != self.allowed_ips->end();
      }));
}

}  // namespace aya::app
