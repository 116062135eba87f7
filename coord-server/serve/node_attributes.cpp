#include "coord-server/serve/node_attributes.h"

#include <algorithm>
#include <cctype>

#include "coord-server/nodes/posture.h"
#include "coord-server/serve/node_audit.h"

namespace aya::serve {
namespace {

using api::Json;
using Changes = std::map<std::string, std::optional<store::NodeAttribute>>;

constexpr std::size_t kLongestValue = 200;

bool is_good(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() <= kLongestValue;
  return value.is_null() || value.is_number() || value.is_boolean();
}

// Without what is so already.
Changes changes_of(const nodes::Node& node, const Json& update) {
  Changes out;
  for (const auto& [name, value] : update.items()) {
    const auto held = node.record.attributes.find(name);
    const bool is_there = held != node.record.attributes.end();
    if (value.is_null()) {
      if (is_there) out.emplace(name, std::nullopt);
      continue;
    }
    store::NodeAttribute attribute{api::text_of(value), std::nullopt, ""};
    if (!is_there || held->second != attribute) out.emplace(name, std::move(attribute));
  }
  return out;
}

std::size_t own_after(const nodes::Node& node, const Changes& changes) {
  std::set<std::string> names;
  for (const auto& [name, attribute] : node.record.attributes) {
    if (nodes::is_own_attribute(name)) names.insert(name);
  }
  for (const auto& [name, attribute] : changes) {
    if (attribute) names.insert(name);
    if (!attribute) names.erase(name);
  }
  return names.size();
}

}  // namespace

http::Response set_own_attributes(
    const nodes::Node& node, const Json& update, nodes::Registry& registry, WallTime now) {
  if (!update.is_object()) return http::Response::text(400, "Update: want an object");
  for (const auto& [name, value] : update.items()) {
    if (!nodes::is_own_attribute(name)) {
      return http::Response::text(
          403, "a node may set \"self:\" and up to 50 letters, digits and underscores, not \"" +
                   name.substr(0, 100) + '"');
    }
    if (!is_good(value)) {
      return http::Response::text(
          400, name + ": want a number, true, false, null or a text of at most 200 bytes");
    }
  }
  const Changes changes = changes_of(node, update);
  if (changes.empty()) return http::Response::json(200, "{}");
  if (own_after(node, changes) > kMostOwnAttributes) {
    return http::Response::text(400, "a node has at most 20 attributes of its own");
  }
  Json before = Json::object(), after = Json::object();
  for (const auto& [name, attribute] : changes) {
    const auto held = node.record.attributes.find(name);
    if (held != node.record.attributes.end()) {
      before[name] = Json::parse(held->second.value, nullptr, false);
    }
    if (attribute) after[name] = update.at(name);
  }
  store::AuditEntry entry = by_node(registry, node, "UPDATE", now);
  entry.property = "POSTURE_ATTRIBUTES";
  entry.old_value = api::text_of(before);
  entry.new_value = api::text_of(after);
  auto stored = registry.set_attributes(node.id(), changes, entry);
  if (!stored) return http::Response::text(503, "try again");
  return http::Response::json(200, "{}");
}

}  // namespace aya::serve
