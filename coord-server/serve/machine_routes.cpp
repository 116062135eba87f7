#include "coord-server/serve/machine_routes.h"

#include <algorithm>

#include "coord-server/serve/machine_queries.h"
#include "coord-server/serve/node_audit.h"
#include "proto/control/capability_version.h"
#include "proto/control/flow_report.h"
#include "proto/control/json_text.h"
#include "proto/control/register.h"

namespace aya::serve {
namespace {

using control::MapRequest;

constexpr std::size_t kLongestRegister = 64 * 1024;

http::Response refuse(int status, std::string_view text) {
  return http::Response::text(status, text);
}

http::Response bare(int status) {
  http::Response response;
  response.status = status;
  return response;
}

bool is_post_to(const http::Request& request, std::string_view path) {
  return request.method == "POST" && request.path() == path;
}

// Of no use to anybody else: the address would need a zone (control 6.3).
bool is_worth_telling(const Endpoint& endpoint) {
  return endpoint.port != 0 &&
         !(endpoint.address.is_v6() && endpoint.address.is_link_local_unicast());
}

std::vector<store::KnownEndpoint> endpoints_from(const MapRequest& request) {
  std::vector<store::KnownEndpoint> out;
  for (std::size_t i = 0; i < request.endpoints.size(); ++i) {
    if (!is_worth_telling(request.endpoints[i])) continue;
    const bool typed = i < request.endpoint_types.size();
    out.push_back(
        {request.endpoints[i], typed ? request.endpoint_types[i] : control::EndpointType::Unknown});
  }
  return out;
}

// A process that has just started knows less than the one before it did: what it does not say
// stays as it was (T-06, T-07).
store::NodeLive merge(const store::NodeLive& known, const MapRequest& request) {
  store::NodeLive live = known;
  live.capver = request.version;
  if (!request.disco_key.is_zero()) live.disco_key = request.disco_key;
  if (!request.endpoints.empty()) live.endpoints = endpoints_from(request);
  if (request.hostinfo) {
    live.hostinfo = *request.hostinfo;
    if (!live.hostinfo.net_info) live.hostinfo.net_info = known.hostinfo.net_info;
  }
  live.forwarding_off =
      std::ranges::find(request.debug_flags, control::kForwardingOff) != request.debug_flags.end();
  const auto& net = live.hostinfo.net_info;
  if (net && net->preferred_derp != 0) live.home_region = net->preferred_derp;
  return live;
}

}  // namespace

MachineAnswer MachineRoutes::answer(
    const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
    TimePoint now, WallTime wall, mapper::MapStreams::Effects& out) {
  if (is_post_to(request, "/machine/map")) return on_map(request, machine, fresh, now, wall, out);
  if (is_post_to(request, "/machine/register")) {
    return on_register(request, machine, fresh, now, wall);
  }
  if (is_post_to(request, control::kFlowReportPath)) {
    return {flow_reports_.take(request, machine, wall)};
  }
  if (request.method == "GET" && ssh_check::SshChecks::owns(request.path())) {
    return on_ssh(request, machine, fresh, wall);
  }
  if (request.method == "POST" && calls_.take(request.path(), machine, request.body)) {
    return {bare(200)};
  }
  if (auto known = answer_query(request, machine, {registry_, issuer_}, wall)) {
    return {std::move(*known)};
  }
  if (request.path().starts_with("/machine/")) return {refuse(501, "not implemented")};
  return {refuse(404, "not found")};
}

MachineAnswer MachineRoutes::on_register(
    const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
    TimePoint now, WallTime wall) {
  // It may have to be kept for a while, for anybody who asks.
  if (request.body.size() > kLongestRegister) return {refuse(413, "RegisterRequest is too long")};
  auto decoded = control::decode<control::RegisterRequest>(as_text(request.body));
  if (!decoded) return {refuse(400, "unreadable RegisterRequest")};
  auto outcome = enrollment_.register_node(*decoded, machine, wall);
  if (!outcome) return {refuse(outcome.error().status, outcome.error().text)};
  const bool by_key = decoded->auth && !decoded->auth->auth_key.empty();
  registrations_.count(
      by_key ? "auth_key" : decoded->followup.empty() ? "known" : "web",
      outcome->waits_on ? "waits" : end_of(outcome->response));
  if (outcome->waits_on) {
    logins_.wait(*outcome->waits_on, enroll::WaiterId{fresh.value});
    MachineAnswer later;
    later.waiting = true;
    return later;
  }
  if (outcome->node && registry_.find(*outcome->node)->record.ephemeral) {
    presence_.expect_ephemeral(*outcome->node, now);
  }
  return {http::Response::json(200, control::encode(outcome->response))};
}

std::string_view MachineRoutes::end_of(const control::RegisterResponse& response) {
  if (!response.error.empty()) return "refused";
  return response.auth_url.empty() && response.machine_authorized ? "authorized" : "waits";
}

MachineAnswer MachineRoutes::on_ssh(
    const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
    WallTime wall) {
  auto asked = checks_.ask(
      request.path(), request.query(), machine, ssh_check::WaiterId{fresh.value}, wall);
  if (!asked) return {refuse(asked.error(), "no such session")};
  if (*asked) return {http::Response::json(200, control::encode(**asked))};
  MachineAnswer later;
  later.waiting = true;
  return later;
}

MachineAnswer MachineRoutes::on_map(
    const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
    TimePoint now, WallTime wall, mapper::MapStreams::Effects& out) {
  auto decoded = control::decode<MapRequest>(as_text(request.body));
  if (!decoded) return {refuse(400, "unreadable MapRequest")};
  if (decoded->version < control::kOldestAcceptedVersion) {
    return {refuse(400, "this client is too old for the server; please update it")};
  }
  const auto compression = control::parse_compression(decoded->compress);
  if (!compression) return {refuse(400, "unknown compression")};
  const nodes::Node* node = registry_.find(decoded->node_key);
  if (node == nullptr || node->record.machine != machine) return {refuse(404, "node not found")};

  if (decoded->kind() != MapRequest::Kind::LegacyReadOnly) {
    if (auto trouble = take_update(*node, *decoded, wall)) return {std::move(*trouble)};
  }
  switch (decoded->kind()) {
    case MapRequest::Kind::LongPoll:
      streams_.open(fresh, node->id(), *compression, now, wall, out);
      return {bare(200), true};
    case MapRequest::Kind::LiteUpdate:
      return {bare(200)};
    case MapRequest::Kind::OneShot:
    case MapRequest::Kind::LegacyReadOnly:
      break;
  }
  http::Response once = bare(200);
  once.body = streams_.snapshot(*node, *compression, wall);
  return {std::move(once)};
}

std::optional<http::Response> MachineRoutes::take_update(
    const nodes::Node& node, const MapRequest& request, WallTime wall) {
  store::NodeLive live = merge(node.record.live, request);
  const std::string label = enrollment_.label_for(live.hostinfo, node.record);
  const bool told = live.forwarding_off == node.record.live.forwarding_off;
  if (label == node.record.label && told) {
    if (live == node.record.live) return std::nullopt;
    // Without its disco key and its relay a node cannot be reached, so peers would lose it if we
    // were killed before the next flush. Endpoints come again by themselves and may wait.
    const bool needed_to_reach = live.disco_key != node.record.live.disco_key ||
                                 live.home_region != node.record.live.home_region;
    registry_.set_live(node.id(), std::move(live));
    if (!needed_to_reach) return std::nullopt;
    if (auto saved = registry_.flush(); !saved) return refuse(503, saved.error().to_text());
    return std::nullopt;
  }
  // The name follows the host name (T-37), and a name is something people were told: stored first.
  // So is what they are warned of.
  nodes::NodeRecord changed = node.record;
  changed.label = label;
  changed.live = std::move(live);
  std::optional<store::AuditEntry> audit;
  if (!told) {
    const bool off = changed.live.forwarding_off;
    audit = by_node(registry_, node, "UPDATE", wall);
    audit->property = "IP_FORWARDING";
    audit->old_value = off ? "true" : "false";
    audit->new_value = off ? "false" : "true";
  }
  if (auto stored = registry_.update(changed, {}, audit); !stored) {
    return refuse(503, stored.error().to_text());
  }
  return std::nullopt;
}

}  // namespace aya::serve
