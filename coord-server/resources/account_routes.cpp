// Users, accounts, the audit log, and the server itself (interfaces 1.8, 1.11, 1.14).
#include <algorithm>
#include <array>

#include "coord-server/resources/handlers.h"
#include "coord-server/api/json.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

Json user_json(const nodes::Registry& registry, const store::User& user) {
  std::size_t devices = 0;
  bool connected = false;
  std::optional<WallTime> last_seen;
  for (const store::NodeId id : registry.nodes_of(user.account)) {
    const nodes::Node& node = *registry.find(id);
    if (node.record.user != user.id) continue;
    ++devices;
    connected = connected || node.online;
    const auto seen = node.record.live.last_seen;
    if (seen && (!last_seen || *seen > *last_seen)) last_seen = seen;
  }
  return {
      {"id", std::to_string(user.id.value)},
      {"displayName", user.display_name},
      {"loginName", user.login},
      {"profilePicUrl", ""},
      {"tailnetId", std::to_string(user.account.value)},
      {"created", to_rfc3339(user.created)},
      {"type", "member"},
      {"role", user.role},
      {"status", "active"},
      {"deviceCount", devices},
      {"lastSeen", to_rfc3339(last_seen.value_or(user.created))},
      {"currentlyConnected", connected}};
}

// Printable, without what would need quoting in a shell, a policy or a URL.
bool is_login(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == '.' || c == '_' || c == '-' || c == '@' ||
           c == '+';
  });
}

}  // namespace

Answer<http::Response> list_users(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const auto role = http::query_value(c.request.query(), "role");
  const auto type = http::query_value(c.request.query(), "type");
  Json users = Json::array();
  for (const store::User* user : c.registry.users_of((*account)->id)) {
    if (role && *role != user->role) continue;
    if (type && *type != "member" && *type != "all") continue;
    users.push_back(user_json(c.registry, *user));
  }
  return http::Response::json(200, text_of({{"users", std::move(users)}}));
}

Answer<http::Response> get_user(const AdminContext& c) {
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    for (const store::User* user : c.registry.users_of(id)) {
      if (std::to_string(user->id.value) == c.path[0]) {
        return http::Response::json(200, text_of(user_json(c.registry, *user)));
      }
    }
  }
  return ApiError::not_found("user");
}

Answer<http::Response> create_user(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto login = text_field(*body, "loginName");
  if (!login) return login.error();
  if (!is_login(*login)) {
    return ApiError::bad_request("loginName: 1 to 64 letters, digits and . _ - @ +");
  }
  auto display_name = text_field(*body, "displayName");
  if (!display_name) return display_name.error();
  auto role = text_field(*body, "role", "member");
  if (!role) return role.error();
  constexpr std::array<std::string_view, 4> kRoles = {"owner", "admin", "member", "auditor"};
  if (std::ranges::find(kRoles, *role) == kRoles.end()) {
    return ApiError::bad_request("role: want owner, admin, member or auditor");
  }
  if (*role == "owner" && c.caller.role != "owner") {
    return ApiError::forbidden("only an owner makes owners");
  }
  store::User user;
  user.account = (*account)->id;
  user.login = *login;
  user.display_name = display_name->empty() ? *login : *display_name;
  user.role = *role;
  user.created = c.now;
  store::AuditEntry entry = c.audit("CREATE", "USER");
  entry.account = (*account)->id;
  entry.target_name = *login;
  auto made = c.registry.create_user(std::move(user), std::move(entry));
  if (made) return http::Response::json(200, text_of(user_json(c.registry, *made)));
  if (made.error().kind == store::StoreError::Kind::Taken) {
    return ApiError::conflict("user \"" + *login + "\" exists already");
  }
  return ApiError::of(made.error());
}

Answer<http::Response> list_accounts(const AdminContext& c) {
  Json accounts = Json::array();
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    accounts.push_back(
        {{"id", std::to_string(id.value)},
         {"name", account.name},
         {"domain", account.domain},
         {"created", to_rfc3339(account.created)},
         {"deviceCount", c.registry.nodes_of(id).size()}});
  }
  return http::Response::json(200, text_of({{"accounts", std::move(accounts)}}));
}

Answer<http::Response> server_status(const AdminContext& c) {
  std::size_t users = 0, devices = 0, connected = 0;
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    users += c.registry.users_of(id).size();
    for (const store::NodeId node : c.registry.nodes_of(id)) {
      ++devices;
      if (c.registry.find(node)->online) ++connected;
    }
  }
  return http::Response::json(
      200, text_of(
               {{"version", c.facts.version},
                {"serverUrl", c.facts.server_url},
                {"certificatePin", c.facts.certificate_pin},
                {"users", users},
                {"devices", devices},
                {"connected", connected},
                {"mapStreams", c.facts.gauges.map_streams},
                {"relayClients", c.facts.gauges.relay_clients}}));
}

Answer<http::Response> who_am_i(const AdminContext& c) {
  const store::Account* account = c.registry.account(c.caller.account);
  const char* kind = c.caller.credential.empty() ? "socket"
                     : c.caller.is_person()      ? "api"
                                                 : "oauth";
  Json out = {
      {"account", account == nullptr ? "" : account->name},
      {"credential", kind},
      {"role", c.caller.role},
      {"scopes", c.caller.scopes},
      {"tags", c.caller.tags},
      {"actor", Json::parse(c.caller.actor, nullptr, false)}};
  if (c.caller.expires) out["expires"] = to_rfc3339(*c.caller.expires);
  return http::Response::json(200, text_of(out));
}

}  // namespace aya::resources
