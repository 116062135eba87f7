// Plain WireGuard devices as nodes of the network (additive):
//
//   GET, POST            /api/v2/tailnet/{t}/wireguard-peers
//   GET, PATCH, DELETE   /api/v2/wireguard-peers/{id}
//   GET                  /api/v2/wireguard-peers/{id}/config
//
// Such a device runs no client of the mesh, so two things are said by people. To the nodes, that it
// is there: that is what is kept here. To the device, which nodes there are, by their public keys:
//
//   - one of our own (a router that speaks only WireGuard) is given the text of .../config. It
//     knows every node that the policy lets meet it, under the node's own key and addresses.
//   - the server of a company knows one key and one address a customer. "clients" names the nodes
//     whose keys were entered there, each with the address that it got there, which the node then
//     uses towards it; "clientsOnly" keeps the server from everyone else. A node that has logged in
//     anew has another key and is a stranger there, until the new key is entered and said here.
//
// It is a device like others in everything else: name, address, tags, owner, approval and removal
// go by /device/{id}, policies speak of it by address, tag or owner, its routes count as approved.
#include "coord-server/api/json.h"
#include "coord-server/enroll/node_label.h"
#include "coord-server/policy/policy.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/wireguard_config.h"
#include "coord-server/resources/wireguard_json.h"
#include "coord-server/resources/wished_address.h"
#include "proto/idna/international_name.h"

namespace aya::resources {
namespace {

Answer<std::string> label_from(
    const AdminContext& c, const store::Account& account, const Json& body) {
  auto name = text_field(body, "name");
  if (!name) return name.error();
  const std::string label = idna::ascii_form(*name).value_or(*name);
  if (!enroll::is_label(label)) {
    return ApiError::bad_request("name \"" + *name + "\": invalid label");
  }
  if (const nodes::Node* holder = c.registry.find_label(account.id, label)) {
    return ApiError::conflict(
        "name \"" + label + "\" is already used by " + c.registry.full_name(*holder));
  }
  if (c.registry.is_service_label(account.id, label)) {
    return ApiError::conflict("name \"" + label + "\" is already used by a service");
  }
  return label;
}

Answer<const store::User*> owner_from(
    const AdminContext& c, const store::Account& account, const Json& body) {
  auto login = text_field(body, "user");
  if (!login) return login.error();
  if (!login->empty()) return c.user_named(account.id, *login);
  const store::User* user = c.registry.user(c.caller.user);
  if (user != nullptr && user->account == account.id) return user;
  return ApiError::bad_request("user: name the owner of the device");
}

// All of a new device but what the body says as facts.
Answer<nodes::NodeRecord> new_record(
    const AdminContext& c, const store::Account& account, const Json& body) {
  nodes::NodeRecord record;
  record.account = account.id;
  auto label = label_from(c, account, body);
  if (!label) return label.error();
  record.label = *label;
  record.label_is_chosen = true;
  auto owner = owner_from(c, account, body);
  if (!owner) return owner.error();
  record.user = (*owner)->id;
  auto tags = texts_field(body, "tags");
  if (!tags) return tags.error();
  record.tags = nodes::in_order(std::move(*tags));
  if (auto may = c.may_give(account.id, record.tags); !may) return may.error();
  record.never_owned = !record.tags.empty();
  record.live.hostinfo.hostname = record.label;
  record.live.hostinfo.os = "wireguard";
  record.wireguard.emplace();
  return record;
}

http::Response peer_response(const nodes::Registry& registry, const nodes::Node& node) {
  return http::Response::json(200, text_of(wireguard_peer_json(registry, node)));
}

store::AuditEntry entry_about(
    const AdminContext& c, const nodes::NodeRecord& record, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "NODE");
  entry.account = record.account;
  entry.target_id = record.stable_id;
  entry.target_name = record.label + '.' + c.registry.account(record.account)->domain;
  return entry;
}

Answer<const nodes::Node*> plain_device(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node;
  if (!(*node)->record.wireguard) return ApiError::not_found("WireGuard peer");
  return node;
}

// The nodes that are told of it.
Answer<std::vector<const nodes::Node*>> nodes_that_see(
    const AdminContext& c, const nodes::Node& device) {
  const store::Account& account = *c.registry.account(device.account());
  auto policy = policy_file::read_policy(
      policy::text_in_force(account), policy::realm_of(c.registry, account));
  if (!policy) return ApiError{policy.error().status, policy.error().message};
  const auto engine = policy::engine_over(c.registry, account.id, *policy);
  std::vector<const nodes::Node*> out;
  for (const store::NodeId id : c.registry.nodes_of(account.id)) {
    const nodes::Node& node = *c.registry.find(id);
    if (node.record.wireguard || !engine->may_meet(id, device.id())) continue;
    if (device.record.wireguard->knows(id, node.record.node_key)) out.push_back(&node);
  }
  return out;
}

}  // namespace

Answer<http::Response> list_wireguard_peers(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json peers = Json::array();
  for (const store::NodeId id : c.registry.nodes_of((*account)->id)) {
    const nodes::Node& node = *c.registry.find(id);
    if (node.record.wireguard) peers.push_back(wireguard_peer_json(c.registry, node));
  }
  return http::Response::json(200, text_of({{"wireguardPeers", std::move(peers)}}));
}

Answer<http::Response> create_wireguard_peer(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  for (const char* required : {"name", "publicKey", "endpoints"}) {
    if (body->contains(required)) continue;
    return ApiError::bad_request(std::string(required) + ": required");
  }
  auto record = new_record(c, **account, *body);
  if (!record) return record.error();
  if (auto taken = take_wireguard_facts(c, *body, *record); !taken) return taken.error();
  auto kept = wished_address(c, *body, (*account)->id);
  if (!kept) return kept.error();
  store::AuditEntry entry = entry_about(c, *record, "CREATE");
  entry.property = "WIREGUARD";
  entry.new_value = text_of(wireguard_facts_json(c.registry, *record));
  auto made = c.enrollment.admit_plain(std::move(*record), *kept, std::move(entry), c.now);
  if (!made) return ApiError::of(made.error());
  return peer_response(c.registry, **made);
}

Answer<http::Response> get_wireguard_peer(const AdminContext& c) {
  auto node = plain_device(c);
  if (!node) return node.error();
  return peer_response(c.registry, **node);
}

Answer<http::Response> patch_wireguard_peer(const AdminContext& c) {
  auto node = plain_device(c);
  if (!node) return node.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  nodes::NodeRecord changed = (*node)->record;
  if (auto taken = take_wireguard_facts(c, *body, changed); !taken) return taken.error();
  const Json before = wireguard_facts_json(c.registry, (*node)->record);
  const Json after = wireguard_facts_json(c.registry, changed);
  if (before == after && changed.approved_routes == (*node)->record.approved_routes) {
    return peer_response(c.registry, **node);
  }
  store::AuditEntry entry = entry_about(c, changed, "UPDATE");
  entry.property = "WIREGUARD";
  entry.old_value = text_of(before);
  entry.new_value = text_of(after);
  auto stored = c.registry.update(changed, {}, entry);
  if (!stored) return ApiError::of(stored.error());
  return peer_response(c.registry, **node);
}

Answer<http::Response> delete_wireguard_peer(const AdminContext& c) {
  auto node = plain_device(c);
  if (!node) return node.error();
  store::AuditEntry entry = entry_about(c, (*node)->record, "DELETE");
  entry.old_value = text_of(wireguard_facts_json(c.registry, (*node)->record));
  auto removed = c.registry.remove((*node)->id(), c.now, entry);
  if (!removed) return ApiError::of(removed.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> get_wireguard_config(const AdminContext& c) {
  auto node = plain_device(c);
  if (!node) return node.error();
  auto others = nodes_that_see(c, **node);
  if (!others) return others.error();
  return http::Response::json(
      200, text_of({{"config", wireguard_config(c.registry, **node, *others)}}));
}

}  // namespace aya::resources
