// What a handler of the REST API has at hand: the request, taken apart, and the stores. Handlers
// are functions of this and read as the list of their refusals.
#pragma once

#include <span>

#include "coord-server/enroll/auth_keys.h"
#include "coord-server/enroll/enrollment.h"
#include "coord-server/api/admin_routes.h"
#include "coord-server/api/caller.h"
#include "coord-server/api/node_asker.h"
#include "coord-server/api/route.h"
#include "coord-server/api/token_exchanger.h"
#include "coord-server/people/people.h"
#include "coord-server/relays/relay_directory.h"
#include "coord-server/sharing/sharing.h"
#include "coord-server/webhooks/webhooks.h"

namespace aya::api {

struct AdminContext : AdminParts {
  const http::Request& request;
  std::span<const std::string> path;  // decoded segments that stood for "*" in the route
  const Caller& caller;
  WallTime now;

  enroll::AuthKeys& auth_keys;
  ApiTokens& tokens;
  people::People& people;
  const ServerFacts& facts;
  RouteTable table;

  // An entry that says who did what when; the caller's account is filled in.
  store::AuditEntry audit(std::string action, std::string target_type) const;
  // The account a path's tailnet segment names; 404 for one the caller has nothing to do with.
  Answer<const store::Account*> account(const std::string& segment) const;
  // Of an account the caller may see, and for members: theirs.
  bool may_see(const nodes::Node& node) const;
  // By number or stable id, one that the caller may see. 403 for one that is only shared to the
  // caller's account.
  Answer<const nodes::Node*> device(const std::string& id) const;
  // Of another account, shared to the caller's; nullptr: there is none.
  const nodes::Node* shared_in(const std::string& id) const;
  // May the caller give these to nodes of this account?
  Answer<void> may_give(store::AccountId account, const std::vector<std::string>& tags) const;
  Answer<const store::User*> user_named(store::AccountId account, const std::string& login) const;
  // Nobody gives rights that they do not have: may the caller make somebody this, and what is
  // somebody else's, or take the place of this person? Owners are up to owners.
  Answer<void> may_give_role(std::string_view role) const;
  Answer<void> may_act_as(const store::User& user) const;
};

}  // namespace aya::api
