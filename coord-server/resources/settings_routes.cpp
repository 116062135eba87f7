// /api/v2/tailnet/{t}/settings: what holds for a whole network (interfaces 1.11). Each field has a
// scope of its own: what a caller may not read is left out, what it may not change is refused.
#include <array>

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

using store::AccountSettings;

struct FlagField {
  const char* name;
  const char* scope;
  bool AccountSettings::*member;
};
struct TextField {
  const char* name;
  const char* scope;
  std::string AccountSettings::*member;
};

constexpr const char* kFeatures = "feature_settings";
constexpr const char* kNetworking = "networking_settings";
constexpr const char* kPolicy = "policy_file";
constexpr const char* kKeyDays = "devicesKeyDurationDays";
constexpr int kMostKeyDays = 180;

constexpr std::array kFlags = {
    FlagField{"aclsExternallyManagedOn", kPolicy, &AccountSettings::policy_elsewhere},
    FlagField{"devicesApprovalOn", kFeatures, &AccountSettings::devices_approval},
    FlagField{"devicesAutoUpdatesOn", kFeatures, &AccountSettings::auto_updates},
    FlagField{"usersApprovalOn", kFeatures, &AccountSettings::users_approval},
    FlagField{"networkFlowLoggingOn", kFeatures, &AccountSettings::flow_logging},
    FlagField{"regionalRoutingOn", kFeatures, &AccountSettings::regional_routing},
    FlagField{"postureIdentityCollectionOn", kFeatures, &AccountSettings::posture_identity},
    FlagField{"httpsEnabled", kNetworking, &AccountSettings::https},
};
constexpr std::array kTexts = {
    TextField{"aclsExternalLink", kPolicy, &AccountSettings::policy_link},
    TextField{
        "usersRoleAllowedToJoinExternalTailnets", kFeatures, &AccountSettings::users_may_join},
};

bool may_read(const AdminContext& c, const std::string& scope) {
  return require(c.caller, scope + ":read").has_value();
}

Json readable(const AdminContext& c, const AccountSettings& settings) {
  Json out = Json::object();
  for (const FlagField& field : kFlags) {
    if (may_read(c, field.scope)) out[field.name] = settings.*field.member;
  }
  for (const TextField& field : kTexts) {
    if (may_read(c, field.scope)) out[field.name] = settings.*field.member;
  }
  if (may_read(c, kFeatures)) out[kKeyDays] = settings.devices_key_days;
  return out;
}

// A field that is there and not null: "unchanged" is said either way.
bool is_given(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && !found->is_null();
}

Answer<void> check_text(const TextField& field, const std::string& text) {
  if (field.member == &AccountSettings::policy_link) {
    const bool is_link =
        text.empty() || text.starts_with("https://") || text.starts_with("http://");
    if (is_link && text.size() <= 2000) return {};
    return ApiError::bad_request(std::string(field.name) + ": want a link");
  }
  if (text == "none" || text == "admin" || text == "member") return {};
  return ApiError::bad_request(std::string(field.name) + ": want none, admin or member");
}

Answer<void> take_flags(const AdminContext& c, const Json& body, AccountSettings& settings) {
  for (const FlagField& field : kFlags) {
    if (!is_given(body, field.name)) continue;
    if (auto may = require(c.caller, field.scope); !may) return may;
    auto value = flag_field(body, field.name);
    if (!value) return value.error();
    settings.*field.member = *value;
  }
  return {};
}

Answer<void> take_texts(const AdminContext& c, const Json& body, AccountSettings& settings) {
  for (const TextField& field : kTexts) {
    if (!is_given(body, field.name)) continue;
    if (auto may = require(c.caller, field.scope); !may) return may;
    auto value = text_field(body, field.name);
    if (!value) return value.error();
    if (auto good = check_text(field, *value); !good) return good;
    settings.*field.member = *value;
  }
  return {};
}

Answer<void> take_key_days(const AdminContext& c, const Json& body, AccountSettings& settings) {
  if (!is_given(body, kKeyDays)) return {};
  if (auto may = require(c.caller, kFeatures); !may) return may;
  auto days = number_field(body, kKeyDays);
  if (!days) return days.error();
  if (*days < 1 || *days > kMostKeyDays) {
    return ApiError::bad_request(
        std::string(kKeyDays) + ": must be between 1 and " + std::to_string(kMostKeyDays));
  }
  settings.devices_key_days = static_cast<int>(*days);
  return {};
}

// What differs, before and after, for the audit log.
std::pair<Json, Json> difference(const Json& before, const Json& after) {
  std::pair<Json, Json> out(Json::object(), Json::object());
  for (const auto& [name, value] : after.items()) {
    if (before.at(name) == value) continue;
    out.first[name] = before.at(name);
    out.second[name] = value;
  }
  return out;
}

}  // namespace

Answer<http::Response> get_settings(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const Json out = readable(c, (*account)->settings);
  if (out.empty()) return ApiError::forbidden("scope feature_settings:read required");
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> patch_settings(const AdminContext& c) {
  auto found = c.account(c.path[0]);
  if (!found) return found.error();
  const store::Account& account = **found;
  auto body = body_object(c.request);
  if (!body) return body.error();
  const AccountSettings before = account.settings;
  AccountSettings after = before;
  for (const auto take : {take_flags, take_texts, take_key_days}) {
    if (auto taken = take(c, *body, after); !taken) return taken.error();
  }
  if (after == before) return get_settings(c);
  store::AuditEntry entry = c.audit("UPDATE", "TAILNET");
  entry.account = account.id;
  entry.target_id = std::to_string(account.id.value);
  entry.target_name = account.name;
  entry.property = "SETTINGS";
  const auto [old_values, new_values] = difference(readable(c, before), readable(c, after));
  entry.old_value = text_of(old_values);
  entry.new_value = text_of(new_values);
  if (auto stored = c.registry.set_settings(account.id, after, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return get_settings(c);
}

}  // namespace aya::resources
