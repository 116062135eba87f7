#include "coord-server/api/admin_routes.h"

#include <algorithm>
#include <array>

#include "coord-server/api/admin_context.h"
#include "coord-server/api/encoding.h"
#include "coord-server/api/json.h"
#include "coord-server/api/paging.h"
#include "proto/base/hex.h"
#include "proto/http/target.h"

namespace aya::api {
namespace {

// Segments against a pattern; what stood for "*" goes to `wild`.
bool matches(
    std::string_view pattern, std::span<const std::string> segments,
    std::vector<std::string>& wild) {
  wild.clear();
  for (const std::string& segment : segments) {
    if (pattern.empty()) return false;
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view want = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    if (want == "*") {
      wild.push_back(segment);
    } else if (want != segment) {
      return false;
    }
  }
  return pattern.empty();
}

http::Response method_not_allowed(const std::string& allowed) {
  http::Response response = ApiError{405, "method not allowed"}.to_response();
  response.headers.set("Allow", allowed);
  return response;
}

ApiError too_many(std::chrono::seconds wait) { return {429, "too many requests", wait}; }

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

}  // namespace

http::Response AdminRoutes::answer(
    const http::Request& request, const Entrance& entrance, WallTime now) {
  const std::string_view sent = request.headers.get("X-Request-Id");
  const std::string id = is_request_id(sent) ? std::string(sent) : to_hex(rng_.array<8>());
  const Found found = find(request);
  auto answered = dispatch(found, request, entrance, id, now);
  if (!answered && answered.error().status == 500) {
    answered = ApiError{500, answered.error().message + " (request " + id + ")"};
  }
  http::Response response = answered ? std::move(*answered) : answered.error().to_response();
  answer_conditionally(request, response);
  compress(request, response);
  response.headers.set("X-Request-Id", id);
  response.headers.set("Cache-Control", "no-store");
  tally_.count(found.route, response.status);
  return response;
}

AdminRoutes::Found AdminRoutes::find(const http::Request& request) const {
  Found found;
  const auto segments = http::split_path(request.path());
  const bool below_api =
      segments && segments->size() >= 2 && (*segments)[0] == "api" && (*segments)[1] == "v2";
  if (!below_api) return found;
  const auto below = std::span(*segments).subspan(2);
  std::vector<std::string> wild;
  for (const Route& one : table_) {
    if (!matches(one.pattern, below, wild)) continue;
    if (request.method == one.method) {
      found.route = &one;
      found.wild = std::move(wild);
      return found;
    }
    found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(one.method);
  }
  return found;
}

std::size_t AdminRoutes::body_limit(
    const http::Request& head, const Entrance& entrance, WallTime now) {
  const std::size_t usual = Route().most_body;
  const Route* route = find(head).route;
  if (route == nullptr || route->most_body <= usual) return usual;
  return identify(head, entrance, now) ? route->most_body : usual;
}

Answer<http::Response> AdminRoutes::dispatch(
    const Found& found, const http::Request& request, const Entrance& entrance,
    const std::string& id, WallTime now) {
  const Route* route = found.route;
  Caller caller;
  if (route != nullptr && route->scope == kOpenToAll) {
    if (const auto wait = unknown_.refuse(entrance.source, now)) return too_many(*wait);
  } else {
    // Identity first, so that a stranger learns nothing about which paths exist.
    auto identified = identify(request, entrance, now);
    if (!identified) return identified.error();
    caller = std::move(*identified);
    if (!entrance.admin_socket) {
      if (const auto wait = known_.refuse(caller.credential, now)) return too_many(*wait);
    }
  }
  caller.source = entrance.source;
  caller.request_id = id;
  if (route != nullptr) return run(*route, request, found.wild, caller, now);
  if (!found.allowed.empty()) return method_not_allowed(found.allowed);
  return ApiError{404, "not found"};
}

Answer<http::Response> AdminRoutes::run(
    const Route& route, const http::Request& request, std::span<const std::string> wild,
    const Caller& caller, WallTime now) {
  const bool needs_scope = *route.scope != '\0' && route.scope != kOpenToAll;
  if (needs_scope && !(caller.own_only && route.own_devices)) {
    if (auto may = require(caller, route.scope); !may) return may.error();
  }
  if (request.body.size() > route.most_body) return ApiError{413, "request body too large"};
  const std::string repeated = RepeatedRequests::name_of(request, caller.credential);
  if (!repeated.empty()) {
    auto before = repeated_.find(repeated, request, now);
    if (!before) return before.error();
    if (*before != nullptr) return **before;
  }
  auto answered = route.handler(
      {parts_, request, wild, caller, now, auth_keys_, tokens_, people_, facts_, table_});
  // What is no JSON, as a feed of changes or a policy in its own form, has no pages.
  const bool may_have_pages =
      answered && answered->status == 200 &&
      answered->headers.get("Content-Type") == "application/json";
  if (may_have_pages && asks_for_page(request)) return page_of(*answered, request);
  constexpr int kComesLater = 202;  // which is no answer that could be given again
  if (!repeated.empty() && answered && answered->ok() && answered->status != kComesLater) {
    repeated_.remember(repeated, request, *answered, now);
  }
  return answered;
}

// Whoever guesses at credentials is slowed down by the address the guesses come from.
Answer<Caller> AdminRoutes::identify(
    const http::Request& request, const Entrance& entrance, WallTime now) {
  if (entrance.admin_socket) {
    return socket_caller(
        parts_.registry, http::query_value(request.query(), "account").value_or(""), entrance.who);
  }
  if (const auto wait = unknown_.would_refuse(entrance.source, now)) {
    return too_many(*wait);
  }
  auto caller = tokens_.authenticate(request, now);
  if (!caller && caller.error().status == 401) unknown_.refuse(entrance.source, now);
  return caller;
}

// --- what handlers share ---

namespace {

const nodes::Node* find_device(const nodes::Registry& registry, const std::string& id) {
  const nodes::Node* node = registry.find_stable_id(id);
  const bool is_number =
      !id.empty() && id.size() < 17 && id.find_first_not_of("0123456789") == std::string::npos;
  if (node == nullptr && is_number) node = registry.find(store::NodeId{std::stoll(id)});
  return node;
}

}  // namespace

store::AuditEntry AdminContext::audit(std::string action, std::string target_type) const {
  store::AuditEntry entry;
  entry.account = caller.account;
  entry.time = now;
  entry.origin = caller.origin;
  entry.actor = caller.actor;
  entry.source = caller.source;
  entry.group = caller.request_id;
  entry.action = std::move(action);
  entry.target_type = std::move(target_type);
  return entry;
}

Answer<const store::Account*> AdminContext::account(const std::string& segment) const {
  const store::Account* account =
      segment == "-" ? registry.account(caller.account) : registry.account_named(segment);
  // The same for "exists, but is not yours": no one may probe for accounts.
  if (account == nullptr || !caller.may_see(account->id)) return ApiError::not_found("tailnet");
  return account;
}

bool AdminContext::may_see(const nodes::Node& node) const {
  if (!caller.may_see(node.account())) return false;
  return !caller.own_only || (node.record.user == caller.user && node.record.tags.empty());
}

Answer<const nodes::Node*> AdminContext::device(const std::string& id) const {
  const nodes::Node* node = find_device(registry, id);
  if (node != nullptr && may_see(*node)) return node;
  if (shared_in(id) != nullptr) {
    return ApiError::forbidden("device is shared in from another account");
  }
  return ApiError::not_found("device");
}

const nodes::Node* AdminContext::shared_in(const std::string& id) const {
  const nodes::Node* node = find_device(registry, id);
  const bool shared =
      node != nullptr && !caller.own_only && sharing.share_of(*node, caller.account) != nullptr;
  return shared ? node : nullptr;
}

Answer<void> AdminContext::may_give_role(std::string_view role) const {
  if (role == "owner") {
    if (caller.role == "owner") return {};
    return ApiError::forbidden("only an owner may decide about owners");
  }
  for (const std::string& scope : scopes_of_role(role)) {
    if (grants(caller.scopes, scope)) continue;
    return ApiError::forbidden(
        "the role " + std::string(role) + " may do what you may not: scope " + scope + " required");
  }
  return {};
}

Answer<void> AdminContext::may_act_as(const store::User& user) const {
  const bool oneself = caller.is_person() && user.id == caller.user;
  return oneself ? Answer<void>() : may_give_role(user.role);
}

Answer<void> AdminContext::may_give(
    store::AccountId account, const std::vector<std::string>& tags) const {
  const nodes::TagGiver giver{
      account, caller.is_person() ? registry.user(caller.user) : nullptr, caller.tags};
  const auto refused = nodes::refused_tag(tag_owners, giver, tags);
  if (!refused) return {};
  if (refused->kind == nodes::TagRefusal::Kind::NotOwned) {
    return ApiError::forbidden(refused->to_text());
  }
  return ApiError::bad_request(refused->to_text());
}

Answer<const store::User*> AdminContext::user_named(
    store::AccountId account, const std::string& login) const {
  const store::User* user = registry.user_named(account, login);
  if (user == nullptr) return ApiError::bad_request("user \"" + login + "\" does not exist");
  return user;
}

}  // namespace aya::api
