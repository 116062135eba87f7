#include "proto/local/user_metrics.h"

#include <span>
#include <string_view>
#include <utility>

#include "proto/base/prometheus_page.h"

namespace aya::local {
namespace {

// Ways that we do not have stand at zero, so that sums over all of them are defined.
constexpr std::array<std::pair<const char*, int>, 5> kWays = {{
    {"derp", static_cast<int>(Way::Relay)},
    {"direct_ipv4", static_cast<int>(Way::DirectV4)},
    {"direct_ipv6", static_cast<int>(Way::DirectV6)},
    {"peer_relay_ipv4", -1},
    {"peer_relay_ipv6", -1},
}};

constexpr std::array<const char*, kDropReasonCount> kReasons = {
    "acl", "error", "fragment", "link_local_unicast", "multicast", "too_short", "unknown_protocol"};

constexpr auto label = PrometheusPage::label;

void put_bytes(PrometheusPage& page, std::span<const Traffic, kWayCount> traffic) {
  for (const auto& [name, way] : kWays) {
    page.sample(way < 0 ? 0 : traffic[static_cast<std::size_t>(way)].bytes, label("path", name));
  }
}
void put_packets(PrometheusPage& page, std::span<const Traffic, kWayCount> traffic) {
  for (const auto& [name, way] : kWays) {
    page.sample(way < 0 ? 0 : traffic[static_cast<std::size_t>(way)].packets, label("path", name));
  }
}
void put_drops(PrometheusPage& page, std::span<const std::uint64_t, kDropReasonCount> drops) {
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    page.sample(drops[i], label("reason", kReasons[i]));
  }
}

}  // namespace

void TrafficTotals::add(const TrafficTotals& more) {
  for (std::size_t i = 0; i < kWayCount; ++i) {
    in[i].packets += more.in[i].packets;
    in[i].bytes += more.in[i].bytes;
    out[i].packets += more.out[i].packets;
    out[i].bytes += more.out[i].bytes;
  }
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    dropped_in[i] += more.dropped_in[i];
    dropped_out[i] += more.dropped_out[i];
  }
  handshakes_done += more.handshakes_done;
  handshakes_given_up += more.handshakes_given_up;
  became_direct += more.became_direct;
  became_relayed += more.became_relayed;
}

std::string to_prometheus(const UserMetrics& metrics) {
  const TrafficTotals& totals = metrics.totals;
  PrometheusPage page;
  page.family("ayatori_build_info", "gauge", "The version of the daemon, as a label");
  page.sample(1, label("version", metrics.version));
  page.family("ayatori_control_connected", "gauge", "1 while the coordination server is heard");
  page.sample(metrics.control_connected ? 1 : 0);
  page.family("ayatori_handshakes_total", "counter", "WireGuard handshakes by their end");
  page.sample(totals.handshakes_given_up, label("result", "given_up"));
  page.sample(totals.handshakes_done, label("result", "ok"));
  page.family("ayatori_path_changes_total", "counter", "Changes of the way to a peer");
  page.sample(totals.became_relayed, label("from", "direct") + "," + label("to", "relay"));
  page.sample(totals.became_direct, label("from", "relay") + "," + label("to", "direct"));
  page.family("tailscaled_advertised_routes", "gauge", "Routes that this node offers");
  page.sample(metrics.advertised_routes);
  page.family("tailscaled_approved_routes", "gauge", "Offered routes that are approved");
  page.sample(metrics.approved_routes);
  page.family("tailscaled_health_messages", "gauge", "Health messages by type");
  page.sample(metrics.health_warnings, label("type", "warning"));
  page.family("tailscaled_home_derp_region_id", "gauge", "Region of the home relay, 0 for none");
  page.sample(static_cast<std::uint64_t>(metrics.home_region));
  page.family("tailscaled_inbound_bytes_total", "counter", "Bytes received from peers");
  put_bytes(page, totals.in);
  page.family(
      "tailscaled_inbound_dropped_packets_total", "counter", "Packets of peers that were dropped");
  put_drops(page, totals.dropped_in);
  page.family("tailscaled_inbound_packets_total", "counter", "Packets received from peers");
  put_packets(page, totals.in);
  page.family("tailscaled_outbound_bytes_total", "counter", "Bytes sent to peers");
  put_bytes(page, totals.out);
  page.family(
      "tailscaled_outbound_dropped_packets_total", "counter",
      "Packets for peers that were dropped");
  put_drops(page, totals.dropped_out);
  page.family("tailscaled_outbound_packets_total", "counter", "Packets sent to peers");
  put_packets(page, totals.out);
  return page.take();
}

std::string to_prometheus(const std::vector<InternalCounter>& counters) {
  PrometheusPage page;
  for (const InternalCounter& counter : counters) {
    page.family(counter.name, "counter", "");
    page.sample(counter.value);
  }
  return page.take();
}

}  // namespace aya::local
