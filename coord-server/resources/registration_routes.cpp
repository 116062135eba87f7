// Machines that wait for a person (interfaces 1.14): who they are, and letting them in or not.
//
// They belong to no account before someone has decided. So the list shows what all accounts could
// take to the administrator's socket, and to an account only those that ask for it by name or, on
// a server with a single account, everyone. Who knows the code has stood before the machine.
#include "coord-server/resources/device_json.h"
#include "coord-server/resources/handlers.h"
#include "proto/http/headers.h"

namespace aya::resources {
namespace {

bool asks_for(const enroll::PendingLogin& login, const store::Account& account) {
  std::string_view wanted = login.request.tailnet;
  constexpr std::string_view kRequired = "required:";
  if (wanted.starts_with(kRequired)) wanted.remove_prefix(kRequired.size());
  return http::equal_ignoring_case(wanted, account.name) ||
         http::equal_ignoring_case(wanted, account.domain);
}

bool is_shown(
    const AdminContext& c, const enroll::PendingLogin& login, const store::Account& account) {
  return c.caller.every_account || c.registry.accounts().size() == 1 || asks_for(login, account);
}

Json registration_json(const AdminContext& c, const enroll::PendingLogin& login) {
  const control::Hostinfo host = login.request.hostinfo.value_or(control::Hostinfo{});
  Json routes = Json::array();
  for (const Prefix& route : host.routable_ips) routes.push_back(route.to_text());
  return {
      {"id", login.id},
      {"code", login.code},
      {"url", c.enrollment.logins().url(login)},
      {"hostname", host.hostname},
      {"os", host.os},
      {"clientVersion", host.ipn_version},
      {"machineKey", login.machine.to_text()},
      {"nodeKey", login.request.node_key.to_text()},
      {"isEphemeral", login.request.ephemeral},
      {"requestedTags", host.request_tags},
      {"advertisedRoutes", std::move(routes)},
      {"created", to_rfc3339(login.begun)},
      {"expires", to_rfc3339(login.begun + enroll::Logins::kLifetime)}};
}

// By its id or by its code.
Answer<const enroll::PendingLogin*> chosen(const AdminContext& c) {
  const enroll::PendingLogin* login = c.enrollment.logins().find(c.path[1], c.now);
  if (login == nullptr) login = c.enrollment.logins().find_code(c.path[1], c.now);
  if (login == nullptr || login->rejected) return ApiError::not_found("registration");
  return login;
}

// Who owns the machine from now on: the one named, or who asks.
Answer<const store::User*> owner_for(const AdminContext& c, store::AccountId account) {
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto login = text_field(*body, "user");
  if (!login) return login.error();
  if (!login->empty()) {
    auto named = c.user_named(account, *login);
    if (!named) return named.error();
    if (auto may = c.may_act_as(**named); !may) return may.error();
    return *named;
  }
  const store::User* user = c.registry.user(c.caller.user);
  if (user != nullptr && user->account == account) return user;
  for (const store::User* each : c.registry.users_of(account)) {
    if (each->role == "owner") return each;
  }
  return ApiError::bad_request("user: this account has no owner; name a user");
}

}  // namespace

Answer<http::Response> list_registrations(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json list = Json::array();
  for (const enroll::PendingLogin* login : c.enrollment.logins().all(c.now)) {
    if (is_shown(c, *login, **account)) list.push_back(registration_json(c, *login));
  }
  return http::Response::json(200, text_of({{"registrations", std::move(list)}}));
}

Answer<http::Response> approve_registration(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto login = chosen(c);
  if (!login) return login.error();
  auto owner = owner_for(c, (*account)->id);
  if (!owner) return owner.error();
  enroll::Admission admission;
  admission.account = (*account)->id;
  admission.user = (*owner)->id;
  admission.ephemeral = (*login)->request.ephemeral;
  admission.preauthorized = true;
  admission.how = "approved by an administrator";
  admission.by = c.audit("CREATE", "NODE");
  auto node = c.enrollment.approve(**login, admission, c.now);
  if (!node) return ApiError::conflict(node.error());
  return http::Response::json(200, text_of(device_json(c.registry, **node, DeviceFields::Default)));
}

Answer<http::Response> reject_registration(const AdminContext& c) {
  if (auto account = c.account(c.path[0]); !account) return account.error();
  auto login = chosen(c);
  if (!login) return login.error();
  c.enrollment.logins().reject((*login)->id);
  return http::Response::json(200, "{}");
}

}  // namespace aya::resources
