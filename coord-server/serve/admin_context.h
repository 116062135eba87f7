// What a handler of the REST API has at hand: the request, taken apart, and the stores. Handlers
// are functions of this and read as the list of their refusals. Private to the room.
#pragma once

#include <span>

#include "coord-server/enroll/auth_keys.h"
#include "coord-server/enroll/enrollment.h"
#include "coord-server/serve/admin_routes.h"
#include "coord-server/serve/caller.h"

namespace aya::serve {

struct AdminContext {
  const http::Request& request;
  std::span<const std::string> path;  // decoded segments that stood for "*" in the route
  const Caller& caller;
  WallTime now;

  nodes::Registry& registry;
  store::Store& storage;
  enroll::Enrollment& enrollment;
  enroll::AuthKeys& auth_keys;
  ApiTokens& tokens;
  const ServerFacts& facts;

  // An entry that says who did what when; the caller's account is filled in.
  store::AuditEntry audit(std::string action, std::string target_type) const;
  // The account a path's tailnet segment names; 404 for one the caller has nothing to do with.
  Answer<const store::Account*> account(const std::string& segment) const;
  // By number or stable id, in an account the caller may see.
  Answer<const nodes::Node*> device(const std::string& id) const;
  Answer<const store::User*> user_named(store::AccountId account, const std::string& login) const;
};

using Handler = Answer<http::Response> (*)(const AdminContext&);

// device_routes.cpp
Answer<http::Response> list_devices(const AdminContext& c);
Answer<http::Response> get_device(const AdminContext& c);
Answer<http::Response> delete_device(const AdminContext& c);
Answer<http::Response> set_device_name(const AdminContext& c);
Answer<http::Response> set_device_authorized(const AdminContext& c);
Answer<http::Response> set_device_subdomains(const AdminContext& c);
Answer<http::Response> set_device_key(const AdminContext& c);
Answer<http::Response> expire_device(const AdminContext& c);

// route_approval.cpp
Answer<http::Response> get_device_routes(const AdminContext& c);
Answer<http::Response> set_device_routes(const AdminContext& c);

// dns_routes.cpp
Answer<http::Response> get_nameservers(const AdminContext& c);
Answer<http::Response> set_nameservers(const AdminContext& c);
Answer<http::Response> get_dns_preferences(const AdminContext& c);
Answer<http::Response> set_dns_preferences(const AdminContext& c);
Answer<http::Response> get_search_paths(const AdminContext& c);
Answer<http::Response> set_search_paths(const AdminContext& c);
Answer<http::Response> get_split_dns(const AdminContext& c);
Answer<http::Response> put_split_dns(const AdminContext& c);
Answer<http::Response> patch_split_dns(const AdminContext& c);
Answer<http::Response> get_dns_configuration(const AdminContext& c);
Answer<http::Response> set_dns_configuration(const AdminContext& c);
Answer<http::Response> get_dns_records(const AdminContext& c);
Answer<http::Response> put_dns_records(const AdminContext& c);

// address_edit.cpp
Answer<http::Response> set_device_address(const AdminContext& c);

// key_routes.cpp
Answer<http::Response> create_key(const AdminContext& c);
Answer<http::Response> list_keys(const AdminContext& c);
Answer<http::Response> get_key(const AdminContext& c);
Answer<http::Response> delete_key(const AdminContext& c);

// account_routes.cpp
Answer<http::Response> list_users(const AdminContext& c);
Answer<http::Response> get_user(const AdminContext& c);
Answer<http::Response> create_user(const AdminContext& c);
Answer<http::Response> list_accounts(const AdminContext& c);
Answer<http::Response> audit_log(const AdminContext& c);
Answer<http::Response> server_status(const AdminContext& c);
Answer<http::Response> who_am_i(const AdminContext& c);

}  // namespace aya::serve
