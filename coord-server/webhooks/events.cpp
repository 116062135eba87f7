#include "coord-server/webhooks/events.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace aya::webhooks {
namespace {

using nlohmann::json;
using store::AuditEntry;

constexpr auto kWarnBefore = std::chrono::hours(24);

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json read(const std::string& text) { return json::parse(text, nullptr, false); }

// A member of the actor of an entry; empty where there is none.
std::string member(const json& actor, const char* name) {
  if (!actor.is_object() || !actor.contains(name) || !actor.at(name).is_string()) return {};
  return actor.at(name);
}

std::string who(const AuditEntry& entry) {
  const json actor = read(entry.actor);
  for (const char* name : {"loginName", "displayName", "id", "type"}) {
    if (std::string text = member(actor, name); !text.empty()) return text;
  }
  return {};
}

std::string manager_of(const nodes::Node& node, const nodes::Registry& registry) {
  if (!node.record.tags.empty()) return node.record.tags.front();
  const store::User* user = registry.user(node.record.user);
  return user == nullptr ? std::string() : user->login;
}

json device_json(const nodes::Node& node, const nodes::Registry& registry) {
  return {
      {"nodeID", node.record.stable_id},
      {"deviceName", registry.full_name(node)},
      {"managedBy", manager_of(node, registry)}};
}

Event event(const store::AuditLine& line, std::string type, std::string message, json data) {
  data["actor"] = who(line.entry);
  return {std::move(type), line.entry.time, std::move(message), text_of(data), line.number, {}};
}

// "100.64.0.1" of a list of addresses such as old and new values are.
std::string addresses_in(const std::string& text) {
  std::string out;
  const json list = read(text);
  if (!list.is_array()) return out;
  for (const json& each : list) {
    if (each.is_string()) out += (out.empty() ? "" : ", ") + each.get<std::string>();
  }
  return out;
}

std::vector<Event> about_node(const store::AuditLine& line, const nodes::Registry& registry) {
  const AuditEntry& entry = line.entry;
  const nodes::Node* node = registry.find_stable_id(entry.target_id);
  const std::string name = node != nullptr ? registry.full_name(*node) : entry.target_name;
  json data = {{"nodeID", entry.target_id}, {"deviceName", name}, {"managedBy", ""}};
  if (node != nullptr) data = device_json(*node, registry);
  std::vector<Event> out;
  const auto tell = [&](const char* type, const std::string& what) {
    out.push_back(event(line, type, name + what, data));
  };
  if (entry.action == "CREATE") {
    tell("nodeCreated", " has joined");
    if (node != nullptr && !node->record.authorized) {
      tell("nodeNeedsApproval", " waits for being approved");
    }
  } else if (entry.action == "DELETE") {
    tell("nodeDeleted", " was removed");
  } else if (entry.property == "AUTHORIZED") {
    if (entry.new_value == "true") {
      tell("nodeApproved", " was approved");
    } else {
      tell("nodeNeedsApproval", " waits for being approved");
    }
  } else if (entry.property == "ADDRESS" && !entry.new_value.empty()) {
    data["oldAddresses"] = read(entry.old_value);
    data["newAddresses"] = read(entry.new_value);
    tell("nodeAddressChanged", " has moved to " + addresses_in(entry.new_value));
  } else if (entry.property == "IP_FORWARDING" && entry.new_value == "false" && node != nullptr) {
    const auto& offered = node->record.live.hostinfo.routable_ips;
    const auto exits = std::ranges::count(offered, 0, &Prefix::length);
    constexpr std::string_view kOff = ", and forwarding is off in its system";
    if (exits > 0) tell("exitNodeIPForwardingNotEnabled", " is an exit node" + std::string(kOff));
    if (exits < std::ssize(offered)) {
      tell("subnetIPForwardingNotEnabled", " offers routes" + std::string(kOff));
    }
  }
  return out;
}

std::vector<Event> about_user(const store::AuditLine& line, const nodes::Registry& registry) {
  const AuditEntry& entry = line.entry;
  json data = {{"user", entry.target_name}};
  std::vector<Event> out;
  const auto tell = [&](const char* type, const std::string& what) {
    out.push_back(event(line, type, entry.target_name + what, data));
  };
  if (entry.action == "CREATE") {
    tell("userCreated", " is a user now");
    const store::User* user = registry.user_named(entry.account, entry.target_name);
    if (user != nullptr && user->status == "needs-approval") {
      tell("userNeedsApproval", " waits for being approved");
    }
  } else if (entry.action == "DELETE") {
    tell("userDeleted", " is no longer a user");
  } else if (entry.property == "STATUS" && entry.action == "APPROVE") {
    tell("userApproved", " was approved");
  } else if (entry.property == "STATUS" && entry.action == "DISABLE") {
    tell("userSuspended", " was suspended");
  } else if (entry.property == "STATUS" && entry.action == "ENABLE") {
    tell("userRestored", " is no longer suspended");
  } else if (entry.property == "ROLE") {
    data["oldRoles"] = json::array({read(entry.old_value)});
    data["newRoles"] = json::array({read(entry.new_value)});
    tell("userRoleUpdated", " has another role");
  }
  return out;
}

}  // namespace

std::vector<Event> events_of(const store::AuditLine& line, const nodes::Registry& registry) {
  const AuditEntry& entry = line.entry;
  if (entry.target_type == "NODE") return about_node(line, registry);
  if (entry.target_type == "USER") return about_user(line, registry);
  if (entry.target_type != "TAILNET" || entry.property != "ACL") return {};
  const json data = {{"oldPolicy", read(entry.old_value)}, {"newPolicy", read(entry.new_value)}};
  return {event(line, "policyUpdate", "The policy was changed", data)};
}

std::vector<Event> calendar_events(
    const nodes::Registry& registry, store::AccountId account, WallTime since, WallTime now) {
  std::vector<Event> out;
  const auto is_new = [&](WallTime moment) { return moment > since && moment <= now; };
  for (const store::NodeId id : registry.nodes_of(account)) {
    const nodes::Node& node = *registry.find(id);
    if (!node.record.key_expiry) continue;
    const WallTime end = *node.record.key_expiry, warning = end - kWarnBefore;
    json data = device_json(node, registry);
    data["expiration"] = to_rfc3339(end);
    const std::string name = registry.full_name(node);
    if (is_new(end)) {
      out.push_back(
          {"nodeKeyExpired", end, "The key of " + name + " has expired", text_of(data), 0, end});
    } else if (is_new(warning) && warning > node.record.created) {
      out.push_back(
          {"nodeKeyExpiringInOneDay", warning, "The key of " + name + " expires in a day",
           text_of(data), 0, warning});
    }
  }
  std::ranges::sort(out, {}, &Event::time);
  return out;
}

Event test_event(WallTime now) {
  return {"test", now, "This is a message to try out whether messages arrive", "{}", 0, {}};
}

}  // namespace aya::webhooks
