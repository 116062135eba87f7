// People (interfaces 1.8), and what administrators do with them: roles, suspension, approval,
// removal, and the links by which they sign in for the first time or without a password.
//
// Whatever is done, a network keeps an owner who can sign in, and nobody shuts themselves out.
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/people/login_name.h"
#include "coord-server/resources/handlers.h"
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
    connected = connected || node.connected();
    const auto seen = node.record.live.last_seen;
    if (seen && (!last_seen || *seen > *last_seen)) last_seen = seen;
  }
  return {
      {"id", store::to_text(user.id)},
      {"displayName", user.display_name},
      {"loginName", user.login},
      {"profilePicUrl", ""},
      {"tailnetId", std::to_string(user.account.value)},
      {"created", to_rfc3339(user.created)},
      {"type", "member"},
      {"role", user.role},
      {"status", user.status},
      {"deviceCount", devices},
      {"lastSeen", to_rfc3339(last_seen.value_or(user.created))},
      {"currentlyConnected", connected}};
}

// The user of the path, in a network the caller may see. One that is not theirs is not found.
Answer<const store::User*> user_of_path(const AdminContext& c) {
  for (const auto& [id, account] : c.registry.accounts()) {
    if (!c.caller.may_see(id)) continue;
    for (const store::User* user : c.registry.users_of(id)) {
      if (store::to_text(user->id) == c.path[0]) return user;
    }
  }
  return ApiError::not_found("user");
}

bool is_last_owner(const AdminContext& c, const store::User& user) {
  if (user.role != "owner" || user.status != "active") return false;
  return std::ranges::none_of(c.registry.users_of(user.account), [&](const store::User* other) {
    return other->id != user.id && other->role == "owner" && other->status == "active";
  });
}

// `deed`: "delete", for the refusal. The socket's administrator is nobody in particular.
Answer<const store::User*> to_take_from(const AdminContext& c, const std::string& deed) {
  auto user = user_of_path(c);
  if (!user) return user.error();
  if (is_last_owner(c, **user)) return ApiError::conflict("cannot " + deed + " the last owner");
  const bool oneself = !c.caller.every_account && (*user)->id == c.caller.user;
  if (oneself) return ApiError::conflict("cannot " + deed + " yourself");
  if (auto may = c.may_act_as(**user); !may) return may.error();
  return *user;
}

// The user of the path, where the caller has every right that this person has.
Answer<const store::User*> user_to_change(const AdminContext& c) {
  auto user = user_of_path(c);
  if (!user) return user.error();
  if (auto may = c.may_act_as(**user); !may) return may.error();
  return *user;
}

store::AuditEntry about(const AdminContext& c, const store::User& user, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "USER");
  entry.account = user.account;
  entry.target_id = store::to_text(user.id);
  entry.target_name = user.login;
  return entry;
}

ApiError login_taken(const std::string& login) {
  return ApiError::conflict("user \"" + login + "\" exists already");
}

Answer<http::Response> stored(
    const AdminContext& c, const store::User& changed, store::AuditEntry entry) {
  auto done = c.registry.update_user(changed, entry);
  if (done) return http::Response::json(200, "{}");
  if (done.error().kind == store::StoreError::Kind::Taken) {
    return login_taken(changed.login);
  }
  return ApiError::of(done.error());
}

Answer<http::Response> set_status(
    const AdminContext& c, const store::User& user, const std::string& status, std::string action) {
  if (user.status == status) return http::Response::json(200, "{}");
  store::User changed = user;
  changed.status = status;
  store::AuditEntry entry = about(c, user, std::move(action));
  entry.property = "STATUS";
  entry.old_value = text_of(user.status);
  entry.new_value = text_of(status);
  return stored(c, changed, std::move(entry));
}

Answer<std::string> login_in(const Json& body) {
  auto login = text_field(body, "loginName");
  if (login && !people::is_login(*login)) {
    return ApiError::bad_request("loginName: " + std::string(people::kLoginText));
  }
  return login;
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
  auto user = user_of_path(c);
  if (!user) return user.error();
  return http::Response::json(200, text_of(user_json(c.registry, **user)));
}

Answer<http::Response> create_user(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto login = login_in(*body);
  if (!login) return login.error();
  auto display_name = text_field(*body, "displayName");
  if (!display_name) return display_name.error();
  auto role = text_field(*body, "role", "member");
  if (!role) return role.error();
  if (!people::is_role(*role)) {
    return ApiError::bad_request("role: " + std::string(people::kRolesText));
  }
  if (auto may = c.may_give_role(*role); !may) return may.error();
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
    return login_taken(*login);
  }
  return ApiError::of(made.error());
}

Answer<http::Response> approve_user(const AdminContext& c) {
  auto user = user_to_change(c);
  if (!user) return user.error();
  if ((*user)->status != "needs-approval") return http::Response::json(200, "{}");
  return set_status(c, **user, "active", "APPROVE");
}

Answer<http::Response> suspend_user(const AdminContext& c) {
  auto user = to_take_from(c, "suspend");
  if (!user) return user.error();
  return set_status(c, **user, "suspended", "DISABLE");
}

Answer<http::Response> restore_user(const AdminContext& c) {
  auto user = user_to_change(c);
  if (!user) return user.error();
  if ((*user)->status != "suspended") return http::Response::json(200, "{}");
  return set_status(c, **user, "active", "ENABLE");
}

// With the devices: they would be nobody's.
Answer<http::Response> delete_user(const AdminContext& c) {
  auto user = to_take_from(c, "delete");
  if (!user) return user.error();
  const store::User gone = **user;
  const std::set<store::NodeId> nodes = c.registry.nodes_of(gone.account);
  for (const store::NodeId id : nodes) {
    const nodes::Node& node = *c.registry.find(id);
    if (node.record.user != gone.id) continue;
    store::AuditEntry entry = c.audit("DELETE", "NODE");
    entry.account = gone.account;
    entry.target_id = node.record.stable_id;
    entry.target_name = c.registry.full_name(node);
    entry.details = "its user was deleted";
    if (auto removed = c.registry.remove(id, c.now, entry); !removed)
      return ApiError::of(removed.error());
  }
  auto deleted = c.registry.delete_user(gone.id, about(c, gone, "DELETE"));
  if (!deleted) return ApiError::of(deleted.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> set_user_role(const AdminContext& c) {
  auto user = user_to_change(c);
  if (!user) return user.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto role = text_field(*body, "role");
  if (!role) return role.error();
  if (!people::is_role(*role)) {
    return ApiError::bad_request("role: " + std::string(people::kRolesText));
  }
  if (*role == (*user)->role) return http::Response::json(200, "{}");
  if (auto may = c.may_give_role(*role); !may) return may.error();
  if (is_last_owner(c, **user))
    return ApiError::conflict("cannot change the role of the last owner");
  store::User changed = **user;
  changed.role = *role;
  store::AuditEntry entry = about(c, **user, "UPDATE");
  entry.property = "ROLE";
  entry.old_value = text_of((*user)->role);
  entry.new_value = text_of(*role);
  return stored(c, changed, std::move(entry));
}

// Additive.
Answer<http::Response> rename_user(const AdminContext& c) {
  auto user = user_to_change(c);
  if (!user) return user.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto login = login_in(*body);
  if (!login) return login.error();
  if (*login == (*user)->login) return http::Response::json(200, "{}");
  store::User changed = **user;
  changed.login = *login;
  if (changed.display_name == (*user)->login) changed.display_name = *login;
  store::AuditEntry entry = about(c, **user, "UPDATE");
  entry.property = "LOGIN_NAME";
  entry.old_value = text_of((*user)->login);
  entry.new_value = text_of(*login);
  return stored(c, changed, std::move(entry));
}

// Additive: a link that signs this person in once.
Answer<http::Response> make_login_link(const AdminContext& c) {
  auto user = user_to_change(c);
  if (!user) return user.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto reset = flag_field(*body, "resetSecondFactor");
  if (!reset) return reset.error();
  if (*reset) {
    store::AuditEntry entry = about(c, **user, "DISABLE");
    entry.property = "SECOND_FACTOR";
    if (auto cleared = c.people.clear_totp(**user, entry); !cleared)
      return ApiError::of(cleared.error());
  }
  store::AuditEntry entry = about(c, **user, "CREATE");
  entry.property = "LOGIN_LINK";
  auto token = c.people.make_link(**user, c.now, entry);
  if (!token) return ApiError::of(token.error());
  return http::Response::json(
      200, text_of(
               {{"loginName", (*user)->login},
                {"url", c.facts.server_url + "/link/" + *token},
                {"expires", to_rfc3339(c.now + people::People::kLinkLasts)}}));
}

// Additive, and on the socket only: the command line makes the hash, so that nothing here waits.
Answer<http::Response> set_user_password(const AdminContext& c) {
  auto user = user_of_path(c);
  if (!user) return user.error();
  if (!c.caller.every_account)
    return ApiError::forbidden("people set their own passwords; make a link");
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto hash = text_field(*body, "passwordHash");
  if (!hash) return hash.error();
  if (!hash->starts_with("$argon2id$") || hash->size() > 127) {
    return ApiError::bad_request("passwordHash: want argon2id");
  }
  store::AuditEntry entry = about(c, **user, "UPDATE");
  entry.property = "PASSWORD";
  auto set = c.people.set_password(**user, *hash, std::nullopt, entry);
  if (!set) return ApiError::of(set.error());
  return http::Response::json(200, "{}");
}

}  // namespace aya::resources
