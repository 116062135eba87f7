#include "coord-server/serve/server_metrics.h"

#include "proto/base/prometheus_page.h"

namespace aya::serve {
namespace {

constexpr auto label = PrometheusPage::label;

class Page : public PrometheusPage {
 public:
  void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }
  void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void times(std::string_view name, std::string_view help) { begin(name, "histogram", help); }
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    gauge(name, help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    counter(name, help);
    sample(value);
  }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    family("ayatori_coord_" + std::string(name), type, help);
  }
};

void put_requests(Page& page, const api::RequestTally& requests) {
  page.counter("http_requests_total", "Requests of the REST API by route, method and status");
  for (const auto& [kind, count] : requests.counts()) {
    const auto& [route, method, status] = kind;
    page.sample(
        count, label("route", route) + "," + label("method", method) + "," +
                   label("code", std::to_string(status)));
  }
  page.times("http_request_duration_seconds", "Time the server spent on a request of the REST API");
  for (const auto& [route, times] : requests.times()) page.histogram(times, label("route", route));
}

void put_maps(Page& page, const mapper::MapStreams& streams) {
  const auto& counters = streams.counters();
  page.gauge("map_streams", "Open map streams of nodes", streams.size());
  page.counter("map_responses_total", "Messages written to map streams by kind");
  page.sample(counters.deltas, label("kind", "delta"));
  page.sample(counters.snapshots, label("kind", "full"));
  page.sample(counters.keepalives, label("kind", "keepalive"));
  page.counter("map_response_bytes_total", "Bytes of those messages as they are sent");
  page.sample(counters.delta_bytes, label("kind", "delta"));
  page.sample(counters.snapshot_bytes, label("kind", "full"));
  page.sample(counters.keepalive_bytes, label("kind", "keepalive"));
  page.times("map_send_delay_seconds", "From a change to its messages: changes travel together");
  page.histogram(streams.send_delay());
}

void put_devices(Page& page, const nodes::Registry& registry, WallTime now) {
  std::uint64_t online = 0, offline = 0, expired = 0, waiting = 0, plain = 0;
  for (const auto& [account, name] : registry.accounts()) {
    for (const store::NodeId id : registry.nodes_of(account)) {
      const nodes::Node& node = *registry.find(id);
      if (node.record.wireguard) {
        ++plain;
      } else if (!node.record.authorized) {
        ++waiting;
      } else if (node.key_expired(now)) {
        ++expired;
      } else {
        ++(node.connected() ? online : offline);
      }
    }
  }
  page.gauge("devices", "Devices of all accounts by state");
  page.sample(expired, label("state", "key_expired"));
  page.sample(waiting, label("state", "needs_approval"));
  page.sample(offline, label("state", "offline"));
  page.sample(online, label("state", "online"));
  page.sample(plain, label("state", "wireguard_only"));
}

void put_policy(Page& page, const ServerFigures& figures) {
  const policy::Policy::Figures policy = figures.policy.figures();
  page.times("policy_compile_seconds", "Time to work out rules, of a new policy or of one node");
  page.histogram(figures.policy.compile_times());
  page.gauge("policy_rules", "Rules in force, of all accounts", policy.rules);
  page.gauge("policy_fragments", "Packet filters that are worked out and kept", policy.fragments);
  page.counter(
      "filter_bytes_total", "Bytes of packet filters in messages, before compression",
      figures.streams.counters().filter_bytes);
}

void put_store(Page& page, const store::StoreFigures& store) {
  page.times("db_tx_seconds", "Time of a transaction of the database");
  page.histogram(store.transactions, label("op", "write"));
  page.counter("db_tx_failures_total", "Transactions that were rolled back", store.failed);
  page.counter(
      "audit_write_failures_total", "Changes refused because the audit log took no line",
      store.audit_failed);
  page.gauge("db_size_bytes", "Size of the database", store.size_bytes);
}

void put_flows(Page& page, const FlowReports& flows) {
  page.counter("flow_reports_total", "Reports of nodes for the flow logs, by what became of them");
  for (std::size_t i = 0; i < FlowReports::kEnds; ++i) {
    const auto end = static_cast<FlowReports::End>(i);
    page.sample(flows.count(end), label("result", FlowReports::to_text(end)));
  }
  page.counter("flow_windows_total", "Windows of flow logs that were stored", flows.windows());
}

void put_mails(Page& page, const mail::Outbox& outbox) {
  page.counter(
      "mails_sent_total", "Mails that the mail server has taken", outbox.counters().sent);
  page.counter(
      "mails_failed_total", "Mails that were given up: refused, or tried too often",
      outbox.counters().given_up);
  page.gauge("mails_waiting", "Mails that are to be sent, or sent again", outbox.waiting());
}

void put_relay(Page& page, const OutsideFigures& outside) {
  page.gauge("derp_clients", "Connections of the built-in relay", outside.relay_clients);
  page.counter("derp_bytes_total", "Bytes of packets that were relayed");
  page.sample(outside.relay_bytes_in, label("dir", "in"));
  page.sample(outside.relay_bytes_out, label("dir", "out"));
  page.counter(
      "derp_packets_dropped_total", "Packets that were not relayed",
      outside.relay_packets_dropped);
}

}  // namespace

std::string metrics_page(const ServerFigures& figures, WallTime now) {
  Page page;
  page.gauge("build_info", "The version of the server, as a label");
  page.sample(1, label("version", figures.version));
  put_devices(page, figures.registry, now);
  page.counter("registrations_total", "Registrations of nodes by way and end");
  for (const auto& [end, count] : figures.registrations.counts()) {
    page.sample(count, label("method", end.first) + "," + label("result", end.second));
  }
  page.counter("auth_failures_total", "Credentials that were refused");
  page.sample(figures.requests.with_status(401), label("kind", "api"));
  std::uint64_t refused = 0;
  for (const auto& [end, count] : figures.registrations.counts()) {
    refused += end.second == "refused" ? count : 0;
  }
  page.sample(refused, label("kind", "registration"));
  put_maps(page, figures.streams);
  put_policy(page, figures);
  page.times(
      "ip_edit_propagation_seconds", "From an edit of an address to every node that is online");
  page.histogram(figures.address_edits);
  page.gauge("event_streams", "Open streams of notices of change", figures.feeds);
  put_requests(page, figures.requests);
  put_flows(page, figures.flow_reports);
  put_mails(page, figures.outbox);
  put_relay(page, figures.outside);
  put_store(page, figures.store);
  return page.take();
}

}  // namespace aya::serve
