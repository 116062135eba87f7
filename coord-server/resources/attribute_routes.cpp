// Attributes of devices (interfaces 1.4): what they are, and what administrators say about them,
// for posture checks of the policy.
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/nodes/posture.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

using store::NodeAttribute;
using Changes = std::map<std::string, std::optional<NodeAttribute>>;

constexpr std::string_view kCustom = "custom:";
constexpr std::size_t kMostAttributes = 100;

Json attributes_json(const nodes::Node& node, WallTime now) {
  const control::Hostinfo& host = node.record.live.hostinfo;
  Json attributes = {{"node:os", host.os}};
  if (!host.os_version.empty()) attributes["node:osVersion"] = host.os_version;
  if (!host.ipn_version.empty()) {
    const std::string version = nodes::short_version(host.ipn_version);
    attributes["node:tsVersion"] = version;
    attributes["node:tsReleaseTrack"] = nodes::release_track(version);
    attributes["node:tsAutoUpdate"] = false;
  }
  Json expiries = Json::object();
  for (const auto& [name, attribute] : node.record.attributes) {
    if (attribute.expiry && *attribute.expiry <= now) continue;
    attributes[name] = Json::parse(attribute.value, nullptr, false);
    if (attribute.expiry) expiries[name] = to_rfc3339(*attribute.expiry);
  }
  return {{"attributes", std::move(attributes)}, {"expiries", std::move(expiries)}};
}

Answer<void> check_name(const std::string& name) {
  if (!name.starts_with(kCustom)) {
    return ApiError::bad_request(
        "attribute \"" + name + "\" is not settable: must start with \"custom:\"");
  }
  const std::string_view rest = std::string_view(name).substr(kCustom.size());
  const bool plain =
      !rest.empty() && rest.size() <= 50 && std::ranges::all_of(rest, [](unsigned char ch) {
        return (ch < 0x80 && std::isalnum(ch)) || ch == '_';
      });
  if (plain) return {};
  return ApiError::bad_request(
      "attribute \"" + name + "\": want at most 50 letters, digits and underscores");
}

// The zero time is "never": some clients cannot leave a time out.
Answer<NodeAttribute> attribute_from(const Json& body, WallTime now) {
  NodeAttribute out;
  const auto value = body.find("value");
  const bool good =
      value != body.end() && (value->is_string() || value->is_number() || value->is_boolean());
  if (!good) return ApiError::bad_request("value: want a string, a number, true or false");
  if (value->is_string() && value->get_ref<const std::string&>().size() > 200) {
    return ApiError::bad_request("value: at most 200 characters");
  }
  out.value = text_of(*value);
  auto expiry = text_field(body, "expiry");
  if (!expiry) return expiry.error();
  if (!expiry->empty() && *expiry != kZeroTimeText) {
    const auto time = parse_rfc3339(*expiry);
    if (!time) return ApiError::bad_request("expiry: want an RFC 3339 time");
    if (*time <= now) return ApiError::bad_request("expiry: lies in the past");
    out.expiry = time;
  }
  auto comment = text_field(body, "comment");
  if (!comment) return comment.error();
  if (comment->size() > 200) return ApiError::bad_request("comment: at most 200 characters");
  out.comment = *comment;
  return out;
}

// Without what is so already.
Answer<void> store_changes(const AdminContext& c, const nodes::Node& node, Changes changes) {
  const auto& held = node.record.attributes;
  std::erase_if(changes, [&](const auto& change) {
    const auto found = held.find(change.first);
    return found == held.end() ? !change.second.has_value() : change.second == found->second;
  });
  if (changes.empty()) return {};
  const auto custom = std::ranges::count_if(
      held, [](const auto& entry) { return entry.first.starts_with(kCustom); });
  if (static_cast<std::size_t>(custom) + changes.size() > kMostAttributes) {
    return ApiError::bad_request("a device has at most 100 attributes");
  }
  Json before = Json::object(), after = Json::object();
  for (const auto& [name, attribute] : changes) {
    const auto found = held.find(name);
    if (found != held.end()) before[name] = Json::parse(found->second.value, nullptr, false);
    if (attribute) after[name] = Json::parse(attribute->value, nullptr, false);
  }
  store::AuditEntry entry = c.audit("UPDATE", "NODE");
  entry.account = node.account();
  entry.target_id = node.record.stable_id;
  entry.target_name = c.registry.full_name(node);
  entry.property = "POSTURE_ATTRIBUTES";
  entry.old_value = text_of(before);
  entry.new_value = text_of(after);
  auto stored = c.registry.set_attributes(node.id(), changes, entry);
  if (!stored) return ApiError::of(stored.error());
  return {};
}

}  // namespace

Answer<http::Response> get_attributes(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  return http::Response::json(200, text_of(attributes_json(**node, c.now)));
}

Answer<http::Response> set_attribute(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  if (auto good = check_name(c.path[1]); !good) return good.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto attribute = attribute_from(*body, c.now);
  if (!attribute) return attribute.error();
  auto stored = store_changes(c, **node, {{c.path[1], std::move(*attribute)}});
  if (!stored) return stored.error();
  return http::Response::json(200, text_of(attributes_json(**node, c.now)));
}

Answer<http::Response> delete_attribute(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  // What a machine says of itself may be taken away, until it says it again.
  if (auto good = check_name(c.path[1]); !good && !nodes::is_own_attribute(c.path[1])) {
    return good.error();
  }
  auto stored = store_changes(c, **node, {{c.path[1], std::nullopt}});
  if (!stored) return stored.error();
  return http::Response::json(200, "{}");
}

// Of many devices; all is checked before the first is changed.
Answer<http::Response> patch_attributes(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto wanted = object_field(*body, "nodes");
  if (!wanted) return wanted.error();
  std::vector<std::pair<const nodes::Node*, Changes>> plan;
  for (const auto& [id, attributes] : wanted->items()) {
    auto node = c.device(id);
    if (!node) return node.error();
    if (!attributes.is_object()) return ApiError::bad_request("nodes: want objects");
    Changes& changes = plan.emplace_back(*node, Changes()).second;
    for (const auto& [name, value] : attributes.items()) {
      if (auto good = check_name(name); !good) return good.error();
      if (value.is_null()) {
        changes.emplace(name, std::nullopt);
        continue;
      }
      if (!value.is_object()) return ApiError::bad_request(name + ": want an object or null");
      auto attribute = attribute_from(value, c.now);
      if (!attribute) return attribute.error();
      changes.emplace(name, std::move(*attribute));
    }
  }
  for (auto& [node, changes] : plan) {
    if (auto stored = store_changes(c, *node, std::move(changes)); !stored) return stored.error();
  }
  return http::Response::json(200, "{}");
}

}  // namespace aya::resources
