// Devices: what people see and do about nodes (interfaces 1.4).
#include "coord-server/api/paging.h"
#include "coord-server/enroll/node_label.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/device_json.h"
#include "proto/idna/international_name.h"

namespace aya::resources {
namespace {

http::Response nothing_to_say() { return http::Response::json(200, "{}"); }

Answer<DeviceFields> wanted_fields(const http::Request& request) {
  const std::string text = http::query_value(request.query(), "fields").value_or("default");
  if (text == "default" || text.empty()) return DeviceFields::Default;
  if (text == "all") return DeviceFields::All;
  return ApiError::bad_request("fields: want default or all");
}

RegionNames region_names(const AdminContext& c) {
  RegionNames out;
  for (const auto& entry : c.relays.set().entries()) {
    const std::string& name = entry.region.region_name;
    if (!entry.hidden) out[entry.region.region_id] = name.empty() ? entry.region.region_code : name;
  }
  return out;
}

store::AuditEntry about(const AdminContext& c, const nodes::Node& node, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "NODE");
  entry.account = node.account();
  entry.target_id = node.record.stable_id;
  entry.target_name = c.registry.full_name(node);
  return entry;
}

// What has no client has no login either.
Answer<void> logs_in(const nodes::Node& node) {
  if (!node.record.wireguard) return {};
  return ApiError::bad_request("a plain WireGuard device never logs in: its key does not expire");
}

// Stores a changed record with its audit line.
Answer<http::Response> store_change(
    const AdminContext& c, const nodes::Node& node, const nodes::NodeRecord& changed,
    std::string property, const Json& before, const Json& after) {
  store::AuditEntry entry = about(c, node, "UPDATE");
  entry.property = std::move(property);
  entry.old_value = text_of(before);
  entry.new_value = text_of(after);
  auto stored = c.registry.update(changed, {}, entry);
  if (!stored) return ApiError::of(stored.error());
  return nothing_to_say();
}

// "web1" and "web1.lab.example" are the same name; another domain is not ours to give. The text of
// a refusal is what was sent.
Answer<std::string> label_from_name(
    const AdminContext& c, const nodes::Node& node, const std::string& name) {
  std::string label = name;
  const std::string suffix = '.' + c.registry.account(node.account())->domain;
  if (label.ends_with(suffix)) label.resize(label.size() - suffix.size());
  label = idna::ascii_form(label).value_or(label);  // in any script, in lower case
  if (!enroll::is_label(label)) {
    return ApiError::bad_request("name \"" + name + "\": invalid label");
  }
  return label;
}

}  // namespace

Answer<http::Response> list_devices(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto fields = wanted_fields(c.request);
  if (!fields) return fields.error();
  auto filters = http::parse_query(c.request.query());
  std::erase_if(filters, [&](const http::QueryField& f) {
    const bool about_account = f.name == "account" && c.caller.every_account;
    return f.name == "fields" || is_paging_word(f.name) || about_account;
  });
  if (auto known = check_filters(filters); !known) return known.error();
  Json devices = Json::array();
  const RegionNames regions = region_names(c);
  for (const store::NodeId id : c.registry.nodes_of((*account)->id)) {
    const nodes::Node& node = *c.registry.find(id);
    if (c.caller.own_only && !c.may_see(node)) continue;
    auto matched = device_matches(c.registry, node, filters);
    if (!matched) return matched.error();
    if (*matched) devices.push_back(device_json(c.registry, node, *fields, regions));
  }
  if (filters.empty() && !c.caller.own_only) {
    for (const sharing::Share* share : c.sharing.shares_to((*account)->id)) {
      const nodes::Node& device = *c.registry.find(share->device);
      devices.push_back(external_device_json(c.registry, device, (*account)->id, *fields));
    }
  }
  return http::Response::json(200, text_of({{"devices", std::move(devices)}}));
}

Answer<http::Response> get_device(const AdminContext& c) {
  auto fields = wanted_fields(c.request);
  if (!fields) return fields.error();
  const nodes::Node* external = c.shared_in(c.path[0]);
  if (external != nullptr) {
    return http::Response::json(
        200, text_of(external_device_json(c.registry, *external, c.caller.account, *fields)));
  }
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  return http::Response::json(
      200, text_of(device_json(c.registry, **node, *fields, region_names(c))));
}

Answer<http::Response> delete_device(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  auto removed = c.registry.remove((*node)->id(), c.now, about(c, **node, "DELETE"));
  if (!removed) return ApiError::of(removed.error());
  return nothing_to_say();
}

Answer<http::Response> set_device_name(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto name = text_field(*body, "name");
  if (!name) return name.error();
  nodes::NodeRecord changed = node.record;
  changed.label_is_chosen = !name->empty();
  if (name->empty()) {
    changed.label = c.enrollment.label_for(node.record.live.hostinfo, changed);
  } else {
    auto label = label_from_name(c, node, *name);
    if (!label) return label.error();
    changed.label = *label;
  }
  const nodes::Node* holder = c.registry.find_label(node.account(), changed.label);
  if (holder != nullptr && holder->id() != node.id()) {
    return ApiError::conflict(
        "name \"" + changed.label + "\" is already used by " + c.registry.full_name(*holder));
  }
  if (c.registry.is_service_label(node.account(), changed.label)) {
    return ApiError::conflict("name \"" + changed.label + "\" is already used by a service");
  }
  if (changed.label == node.record.label &&
      changed.label_is_chosen == node.record.label_is_chosen) {
    return nothing_to_say();
  }
  return store_change(c, node, changed, "NAME", node.record.label, changed.label);
}

Answer<http::Response> set_device_authorized(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  if (!body->contains("authorized")) {
    return ApiError::bad_request("authorized: want true or false");
  }
  auto authorized = flag_field(*body, "authorized");
  if (!authorized) return authorized.error();
  if (*authorized == node.record.authorized) return nothing_to_say();
  nodes::NodeRecord changed = node.record;
  changed.authorized = *authorized;
  return store_change(c, node, changed, "AUTHORIZED", node.record.authorized, changed.authorized);
}

// Additive: every name below the device's own leads to it (control 8.4, dns-subdomain-resolve).
Answer<http::Response> set_device_subdomains(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  if (!body->contains("enabled")) return ApiError::bad_request("enabled: want true or false");
  auto enabled = flag_field(*body, "enabled");
  if (!enabled) return enabled.error();
  if (*enabled == node.record.answers_subdomains) return nothing_to_say();
  nodes::NodeRecord changed = node.record;
  changed.answers_subdomains = *enabled;
  return store_change(c, node, changed, "SUBDOMAINS", !*enabled, *enabled);
}

Answer<http::Response> set_device_key(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  if (auto may = logs_in(node); !may) return may.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto disabled = flag_field(*body, "keyExpiryDisabled");
  if (!disabled) return disabled.error();
  if (*disabled == !node.record.key_expiry) return nothing_to_say();
  nodes::NodeRecord changed = node.record;
  changed.key_expiry.reset();
  if (!*disabled) changed.key_expiry = c.now + c.enrollment.key_lifetime(node.account());
  return store_change(c, node, changed, "KEY_EXPIRY_DISABLED", !*disabled, *disabled);
}

// What had an owner before it had tags goes back to that one, who has to prove it by a new login.
Answer<http::Response> set_device_tags(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  if (!body->contains("tags")) return ApiError::bad_request("tags: want a list of strings");
  auto tags = texts_field(*body, "tags");
  if (!tags) return tags.error();
  nodes::NodeRecord changed = node.record;
  changed.tags = nodes::in_order(std::move(*tags));
  if (auto may = c.may_give(node.account(), changed.tags); !may) return may.error();
  if (changed.tags == node.record.tags) return nothing_to_say();
  if (changed.tags.empty()) {
    if (node.record.never_owned) {
      return ApiError::bad_request(
          "tags: this device never belonged to a person; give it other tags, or remove it");
    }
    if (!node.record.wireguard) changed.key_expiry = c.now;
  } else if (node.record.tags.empty()) {
    changed.key_expiry.reset();
  }
  return store_change(c, node, changed, "TAGS", node.record.tags, changed.tags);
}

// Additive: gives a device to another person of the account.
Answer<http::Response> set_device_owner(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto login = text_field(*body, "user");
  if (!login) return login.error();
  auto user = c.user_named(node.account(), *login);
  if (!user) return user.error();
  if (auto may = c.may_act_as(**user); !may) return may.error();
  const store::User* before = c.registry.user(node.record.user);
  if (*user == before && !node.record.never_owned) return nothing_to_say();
  nodes::NodeRecord changed = node.record;
  changed.user = (*user)->id;
  changed.never_owned = false;
  return store_change(c, node, changed, "USER", before->login, (*user)->login);
}

Answer<http::Response> expire_device(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  if (auto may = logs_in(node); !may) return may.error();
  if (node.key_expired(c.now)) return nothing_to_say();
  nodes::NodeRecord changed = node.record;
  changed.key_expiry = c.now;
  return store_change(
      c, node, changed, "KEY_EXPIRY",
      node.record.key_expiry ? Json(to_rfc3339(*node.record.key_expiry)) : Json(nullptr),
      to_rfc3339(c.now));
}

}  // namespace aya::resources
