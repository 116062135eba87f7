// /api/v2/tailnet/{t}/acl…: the policy file (interfaces 1.9). What is stored is what was sent, byte
// for byte; who asks for JSON gets the same without its comments.
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/policy/policy.h"
#include "coord-server/resources/handlers.h"
#include "proto/base/base64.h"
#include "proto/base/hex.h"
#include "proto/crypto/sha256.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

using policy::Engine;
using policy_file::SharedPolicy;

constexpr std::string_view kHuJson = "application/hujson";

bool mentions(std::string_view header, std::string_view type) {
  return header.find(type) != std::string_view::npos;
}

std::string etag_of(std::string_view text) {
  return '"' + to_hex(crypto::sha256(as_bytes(text))) + '"';
}

http::Response shown(std::string_view text, bool with_comments) {
  http::Response out;
  if (with_comments) {
    out = http::Response::json(200, std::string(text));
    out.headers.set("Content-Type", std::string(kHuJson));
  } else {
    // Only what parses is ever stored.
    out = http::Response::json(200, hujson::to_json(*hujson::parse(text)));
  }
  out.headers.set("ETag", etag_of(text));
  return out;
}

// Failed tests, in the form clients print.
Json failures_json(const std::vector<policy::TestFailure>& failures) {
  Json out = Json::array();
  for (const policy::TestFailure& failure : failures) {
    out.push_back({{"user", failure.who}, {"errors", failure.errors}});
  }
  return out;
}

std::vector<policy::TestFailure> failures_of(const Engine& engine) {
  auto out = policy::run_tests(engine, engine.policy().tests);
  auto more = policy::run_ssh_tests(engine, engine.policy().ssh_tests);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

Answer<SharedPolicy> read(
    const AdminContext& c, const store::Account& account, std::string_view text) {
  if (auto syntax = hujson::parse(text); !syntax) {
    return ApiError::bad_request("invalid policy file: " + syntax.error().to_text());
  }
  auto policy = policy_file::read_policy(text, policy::realm_of(c.registry, account));
  if (!policy) return ApiError{policy.error().status, policy.error().message};
  return *policy;
}

// "ts-default" stands for the policy that nobody has changed yet, "*" for any.
bool precondition_holds(const AdminContext& c, const store::Account& account) {
  const std::string wanted(c.request.headers.get("If-Match"));
  if (wanted.empty() || wanted == "*" || wanted == "\"*\"") return true;
  if (wanted == "\"ts-default\"" || wanted == "ts-default") return account.policy.empty();
  const std::string current = etag_of(policy::text_in_force(account));
  return wanted == current || '"' + wanted + '"' == current;
}

Answer<void> keep(const AdminContext& c, const store::Account& account, const std::string& text) {
  if (text == account.policy) return {};
  store::AuditEntry entry = c.audit("UPDATE", "TAILNET");
  entry.account = account.id;
  entry.target_id = std::to_string(account.id.value);
  entry.target_name = account.name;
  entry.property = "ACL";
  entry.old_value = text_of(Json(account.policy));
  entry.new_value = text_of(Json(text));
  store::PolicyVersion version{account.id, 0, text, c.caller.actor, c.now};
  if (auto stored = c.registry.set_policy(std::move(version), entry); !stored) {
    return ApiError::of(stored.error());
  }
  return {};
}

// Everything that must hold before a text may be in force; the answer where it does not.
Answer<std::optional<http::Response>> objection(
    const AdminContext& c, const store::Account& account, const std::string& text) {
  auto policy = read(c, account, text);
  if (!policy) return policy.error();
  const auto failures = failures_of(*policy::engine_over(c.registry, account.id, *policy));
  if (failures.empty()) return std::optional<http::Response>();
  const Json body = {
      {"message", "test(s) failed"}, {"status", 400}, {"data", failures_json(failures)}};
  return std::optional(http::Response::json(400, text_of(body)));
}

Json warnings_of(const AdminContext& c, store::AccountId account, const SharedPolicy& policy) {
  Json out = Json::array();
  const auto users = c.registry.users_of(account);
  for (const auto& [group, members] : policy->groups) {
    std::vector<std::string> warnings;
    for (const std::string& member : members) {
      const bool known = std::ranges::any_of(
          users, [&](const store::User* user) { return policy::is_login(member, user->login); });
      if (!known) warnings.push_back("user " + in_quotes(member) + " not found");
    }
    if (!warnings.empty()) out.push_back({{"user", group}, {"warnings", warnings}});
  }
  return out;
}

http::Response verdict(const char* message, Json data) {
  if (data.empty()) return http::Response::json(200, "{}");
  return http::Response::json(200, text_of({{"message", message}, {"data", std::move(data)}}));
}

// A list of tests, run against the policy in force.
Answer<http::Response> run_list(
    const AdminContext& c, const store::Account& account, std::string_view text) {
  auto tests = policy_file::read_tests(text);
  if (!tests) return ApiError{tests.error().status, tests.error().message};
  auto policy = read(c, account, policy::text_in_force(account));
  if (!policy) return policy.error();
  const auto engine = policy::engine_over(c.registry, account.id, *policy);
  return verdict("test(s) failed", failures_json(policy::run_tests(*engine, *tests)));
}

std::vector<std::string> texts_of(const std::vector<policy_file::Selector>& selectors) {
  std::vector<std::string> out;
  for (const auto& selector : selectors) out.push_back(selector.text);
  return out;
}

std::string ports_text(const policy_file::Service& service) {
  std::string out;
  for (const control::PortRange& range : service.ports) {
    if (!out.empty()) out += ',';
    if (range == policy_file::kAllPorts) {
      out += '*';
    } else {
      out += std::to_string(range.first);
      if (range.last != range.first) out += '-' + std::to_string(range.last);
    }
  }
  return out;
}

Json match_json(const policy::Rule& rule) {
  Json ports = Json::array();
  for (const policy_file::Service& service : rule.written->services) {
    for (const auto& to : rule.written->dst) ports.push_back(to.text + ':' + ports_text(service));
  }
  Json out = {
      {"users", texts_of(rule.written->src)},
      {"ports", std::move(ports)},
      {"lineNumber", rule.written->at.line}};
  if (!rule.written->via.empty()) out["via"] = rule.written->via;
  if (!rule.written->src_posture.empty()) out["postures"] = rule.written->src_posture;
  return out;
}

bool concerns_source(const Engine& engine, const policy::Rule& rule, const policy::End& end) {
  return std::ranges::any_of(rule.written->src, [&](const policy_file::Selector& source) {
    return engine.resolver().matches(source, end.device, end.owner);
  });
}

struct Aim {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<Aim> parse_aim(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto ports = policy_file::parse_ports(text.substr(colon + 1));
  if (!ports || ports->size() != 1 || ports->front().first != ports->front().last) return {};
  return Aim{text.substr(0, colon), ports->front().first};
}

bool concerns_target(
    const Engine& engine, const policy::Rule& rule, const std::vector<policy::End>& ends,
    std::uint16_t port) {
  const bool passes = std::ranges::any_of(rule.written->services, [&](const auto& service) {
    return policy_file::covers_port(service, port);
  });
  return passes && std::ranges::any_of(ends, [&](const policy::End& end) {
           return std::ranges::any_of(rule.written->dst, [&](const policy_file::Selector& to) {
             if (to.prefix && end.address) return to.prefix->contains(*end.address);
             return engine.resolver().matches(to, end.device, end.owner);
           });
         });
}

Json version_json(const store::PolicyVersion& version) {
  return {
      {"version", version.version},
      {"created", to_rfc3339(version.created)},
      {"author", Json::parse(version.author, nullptr, false)},
      {"acl", version.text}};
}

}  // namespace

Answer<http::Response> get_policy(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const std::string_view text = policy::text_in_force(**account);
  const bool details = http::query_value(c.request.query(), "details").value_or("") == "1";
  if (!details) return shown(text, mentions(c.request.headers.get("Accept"), "hujson"));
  const Json body = {
      {"acl", to_base64(as_bytes(text))}, {"warnings", Json::array()}, {"errors", Json::array()}};
  http::Response out = http::Response::json(200, text_of(body));
  out.headers.set("ETag", etag_of(text));
  return out;
}

Answer<http::Response> set_policy(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (!precondition_holds(c, **account)) {
    return ApiError{412, "precondition failed, invalid old hash"};
  }
  const std::string text(as_text(c.request.body));  // empty: back to the beginning
  if (!text.empty()) {
    auto refused = objection(c, **account, text);
    if (!refused) return refused.error();
    if (*refused) return **refused;
  }
  if (auto kept = keep(c, **account, text); !kept) return kept.error();
  return shown(
      policy::text_in_force(**account), mentions(c.request.headers.get("Content-Type"), "hujson"));
}

Answer<http::Response> validate_policy(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const std::string_view text = as_text(c.request.body);
  if (const auto value = hujson::parse(text); value && value->is(hujson::Kind::Array)) {
    return run_list(c, **account, text);
  }
  auto policy = read(c, **account, text);
  if (!policy) return policy.error();
  const auto failures = failures_of(*policy::engine_over(c.registry, (*account)->id, *policy));
  if (!failures.empty()) return verdict("test(s) failed", failures_json(failures));
  return verdict("warning(s) found", warnings_of(c, (*account)->id, *policy));
}

Answer<http::Response> preview_policy(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const std::string type = http::query_value(c.request.query(), "type").value_or("");
  const std::string aim = http::query_value(c.request.query(), "previewFor").value_or("");
  const bool by_user = type == "user";
  if (!by_user && type != "ipport") return ApiError::bad_request("type: want user or ipport");
  if (aim.empty()) return ApiError::bad_request("previewFor: required");
  const auto target = by_user ? std::optional(Aim{aim, 0}) : parse_aim(aim);
  if (!target) return ApiError::bad_request("previewFor: want an address and a port");
  auto policy = read(c, **account, as_text(c.request.body));
  if (!policy) return policy.error();
  const auto engine = policy::engine_over(c.registry, (*account)->id, *policy);
  const auto ends = policy::ends_of(*engine, target->host);
  if (by_user && ends.empty()) return ApiError::not_found("user");
  Json matches = Json::array();
  for (const policy::Rule& rule : engine->rules()) {
    const bool match = by_user ? concerns_source(*engine, rule, ends.front())
                               : concerns_target(*engine, rule, ends, target->port);
    if (match) matches.push_back(match_json(rule));
  }
  return http::Response::json(
      200, text_of({{"matches", std::move(matches)}, {"type", type}, {"previewFor", aim}}));
}

Answer<http::Response> list_policy_versions(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto versions = c.storage.policy_versions((*account)->id);
  if (!versions) return ApiError::of(versions.error());
  Json out = Json::array();
  for (const store::PolicyVersion& version : *versions) out.push_back(version_json(version));
  return http::Response::json(200, text_of({{"versions", std::move(out)}}));
}

// As if its text were sent again: people and nodes may have changed since.
Answer<http::Response> restore_policy(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto versions = c.storage.policy_versions((*account)->id);
  if (!versions) return ApiError::of(versions.error());
  const auto found = std::ranges::find_if(*versions, [&](const store::PolicyVersion& version) {
    return std::to_string(version.version) == c.path[1];
  });
  if (found == versions->end()) return ApiError::not_found("policy version");
  if (!found->text.empty()) {
    auto refused = objection(c, **account, found->text);
    if (!refused) return refused.error();
    if (*refused) return **refused;
  }
  if (auto kept = keep(c, **account, found->text); !kept) return kept.error();
  return shown(policy::text_in_force(**account), true);
}

}  // namespace aya::resources
