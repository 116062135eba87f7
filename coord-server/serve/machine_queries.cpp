#include "coord-server/serve/machine_queries.h"

#include <algorithm>
#include <array>

#include "coord-server/api/json.h"
#include "coord-server/serve/node_attributes.h"
#include "coord-server/serve/node_audit.h"

namespace aya::serve {
namespace {

using api::Json;
using nodes::Node;

struct Query {
  const Json& body;
  const Node& node;
  nodes::Registry& registry;
  issuer::Issuer& issuer;
  WallTime now;

  std::string text(const char* name) const {
    const auto member = body.find(name);
    return member != body.end() && member->is_string() ? member->get<std::string>() : "";
  }
};

http::Response json_of(const Json& answer) {
  return http::Response::json(200, api::text_of(answer));
}

// What a feature needs of the server. People read the text on their terminal.
struct Feature {
  const char* name;
  bool complete;
  const char* text;
};
constexpr std::array kFeatures = {
    Feature{"serve", true, ""},
    Feature{
        "funnel", false,
        "This coordination server has no ingress nodes on the public Internet, so Funnel cannot "
        "work. Sharing inside your network with serve does.\n"},
};

http::Response feature_query(const Query& q) {
  const std::string name = q.text("Feature");
  const auto feature = std::ranges::find(kFeatures, name, &Feature::name);
  if (feature == kFeatures.end()) {
    return json_of(
        {{"Text", "This coordination server does not know the feature " + name + ".\n"}});
  }
  if (feature->complete) return json_of({{"Complete", true}});
  return json_of({{"Text", feature->text}});
}

// Said by a client whose person left the network on purpose.
http::Response audit_log(const Query& q) {
  const std::string action = q.text("Action");
  if (action != "DISCONNECT_NODE") return http::Response::text(400, "unknown action");
  store::AuditEntry entry = by_node(q.registry, q.node, action, q.now);
  entry.details = q.text("Details").substr(0, 1000);
  // The client tries again on 503, and only then.
  if (auto stored = q.registry.note(entry); !stored) return http::Response::text(503, "try again");
  return http::Response::json(200, "{}");
}

http::Response set_dns(const Query& q) {
  const std::string domain = q.registry.full_name(q.node);
  if (q.text("Type") != "TXT" || q.text("Name") != "_acme-challenge." + domain) {
    return http::Response::text(403, "only the challenge for " + domain + " may be set");
  }
  return http::Response::text(
      501,
      "this coordination server does not manage a public DNS zone, so there are no "
      "certificates for names in it");
}

// A proof for somebody else. One whose own standing is in doubt gets none.
http::Response id_token(const Query& q) {
  const std::string audience = q.text("Audience");
  if (audience.empty() || audience.size() > issuer::Issuer::kLongestAudience) {
    return http::Response::text(400, "Audience: want a name of whom the token is for");
  }
  const store::User* user = q.registry.user(q.node.record.user);
  const bool suspended = user != nullptr && user->status == "suspended";
  if (suspended && q.node.record.tags.empty()) {
    return http::Response::text(403, "the owner of this node is suspended");
  }
  if (!q.node.record.authorized || q.node.key_expired(q.now)) {
    return http::Response::text(403, "this node is not approved, or its key has expired");
  }
  auto token = q.issuer.token(q.node, audience, q.now);
  if (!token) return http::Response::text(503, "try again");
  return json_of({{"id_token", *token}});
}

http::Response set_device_attr(const Query& q) {
  const auto update = q.body.find("Update");
  const Json wanted = update == q.body.end() ? Json() : *update;
  return set_own_attributes(q.node, wanted, q.registry, q.now);
}

http::Response update_health(const Query& q) {
  q.registry.set_health(q.node.id(), q.text("Subsys"), q.text("Error"));
  http::Response accepted;
  accepted.status = 204;
  return accepted;
}

struct Route {
  const char* method;
  const char* path;
  http::Response (*answer)(const Query&);
};
constexpr std::array kRoutes = {
    Route{"POST", "/machine/feature/query", feature_query},
    Route{"POST", "/machine/audit-log", audit_log},
    Route{"POST", "/machine/id-token", id_token},
    Route{"PATCH", "/machine/set-device-attr", set_device_attr},
    Route{"POST", "/machine/set-dns", set_dns},
    Route{"POST", "/machine/update-health", update_health},
};

http::Response who_am_i(const MachinePublicKey& machine, const nodes::Registry& registry) {
  Json nodes = Json::array();
  for (const auto& [id, account] : registry.accounts()) {
    const Node* node = registry.find(id, machine);
    if (node == nullptr) continue;
    nodes.push_back(
        {{"StableID", node->record.stable_id},
         {"Name", registry.full_name(*node) + '.'},
         {"Domain", account.domain}});
  }
  return json_of({{"Machine", machine.to_text()}, {"Nodes", nodes}});
}

}  // namespace

std::optional<http::Response> answer_query(
    const http::Request& request, const MachinePublicKey& machine, const QueryDesk& desk,
    WallTime now) {
  if (request.method == "GET" && request.path() == "/machine/whoami") {
    return who_am_i(machine, desk.registry);
  }
  const auto route = std::ranges::find_if(kRoutes, [&](const Route& each) {
    return request.method == each.method && request.path() == each.path;
  });
  if (route == kRoutes.end()) return std::nullopt;
  const Json body = Json::parse(as_text(request.body), nullptr, false);
  if (!body.is_object()) return http::Response::text(400, "not a JSON object");
  const auto named = body.find("NodeKey");
  const auto key = named != body.end() && named->is_string()
                       ? NodePublicKey::parse(named->get_ref<const std::string&>())
                       : std::nullopt;
  const Node* node = key ? desk.registry.find(*key) : nullptr;
  if (node == nullptr || node->record.machine != machine) {
    return http::Response::text(404, "node not found");
  }
  return route->answer({body, *node, desk.registry, desk.issuer, now});
}

}  // namespace aya::serve
