// Accounts, the server itself, and who asks (interfaces 1.14).
#include "coord-server/api/json.h"
#include "coord-server/enroll/node_label.h"
#include "coord-server/people/login_name.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

Json account_json(const AdminContext& c, const store::Account& account) {
  return {
      {"id", std::to_string(account.id.value)},
      {"name", account.name},
      {"domain", account.domain},
      {"created", to_rfc3339(account.created)},
      {"deviceCount", c.registry.nodes_of(account.id).size()}};
}

}  // namespace

Answer<http::Response> list_accounts(const AdminContext& c) {
  Json accounts = Json::array();
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    accounts.push_back(account_json(c, account));
  }
  return http::Response::json(200, text_of({{"accounts", std::move(accounts)}}));
}

// Networks belong to whoever runs the server: only the socket's administrator makes and ends them.
Answer<http::Response> create_account(const AdminContext& c) {
  if (!c.caller.every_account) return ApiError::forbidden("only on the server itself");
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto name = text_field(*body, "name");
  if (!name) return name.error();
  if (!enroll::is_label(*name)) {
    return ApiError::bad_request("name: 1 to 63 small letters, digits and hyphens");
  }
  auto owner = text_field(*body, "owner", "owner");
  if (!owner) return owner.error();
  if (!people::is_login(*owner)) {
    return ApiError::bad_request("owner: " + std::string(people::kLoginText));
  }
  if (c.registry.account_named(*name) != nullptr) {
    return ApiError::conflict("account \"" + *name + "\" exists already");
  }
  // Beside the first one: "default.ayatori.internal" gives "second.ayatori.internal".
  const std::string& first = c.registry.accounts().begin()->second.domain;
  store::Account account;
  account.name = *name;
  account.domain = *name + first.substr(first.find('.'));
  account.created = c.now;
  auto made = c.registry.create_account(std::move(account));
  if (!made) return ApiError::of(made.error());
  store::User user;
  user.account = made->id;
  user.login = user.display_name = *owner;
  user.role = "owner";
  user.created = c.now;
  store::AuditEntry entry = c.audit("CREATE", "USER");
  entry.account = made->id;
  entry.target_name = *owner;
  auto added = c.registry.create_user(std::move(user), std::move(entry));
  if (!added) return ApiError::of(added.error());
  return http::Response::json(200, text_of(account_json(c, *made)));
}

Answer<http::Response> delete_account(const AdminContext& c) {
  if (!c.caller.every_account) return ApiError::forbidden("only on the server itself");
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (!c.registry.nodes_of((*account)->id).empty()) {
    return ApiError::conflict(
        "account \"" + (*account)->name + "\" still has devices; remove them first");
  }
  if (c.registry.accounts().size() == 1) {
    return ApiError::conflict("cannot delete the last account");
  }
  store::AuditEntry entry = c.audit("DELETE", "TAILNET");
  entry.account = (*account)->id;
  entry.target_name = (*account)->name;
  auto removed = c.registry.remove_account((*account)->id, entry);
  if (!removed) return ApiError::of(removed.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> server_status(const AdminContext& c) {
  std::size_t users = 0, devices = 0, connected = 0;
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    users += c.registry.users_of(id).size();
    for (const store::NodeId node : c.registry.nodes_of(id)) {
      ++devices;
      if (c.registry.find(node)->connected()) ++connected;
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
