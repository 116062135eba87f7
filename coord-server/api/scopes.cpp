#include "coord-server/api/scopes.h"

#include <algorithm>
#include <array>

namespace aya::api {
namespace {

constexpr std::string_view kRead = ":read";

constexpr std::array<std::string_view, 23> kWords = {
    "account_settings",
    "all",
    "api_access_tokens",
    "auth_keys",
    "device_invites",
    "devices:core",
    "devices:posture_attributes",
    "devices:routes",
    "dns",
    "feature_settings",
    "federated_keys",
    "log_streaming",
    "logs:configuration",
    "logs:network",
    "networking_settings",
    "oauth_apps",
    "oauth_keys",
    "policy_file",
    "services",
    "user_invites",
    "users",
    "webhooks",
    "workload_identity",
};

struct Role {
  std::string_view name;
  std::vector<std::string> scopes;
};

}  // namespace

bool grants(std::span<const std::string> held, std::string_view wanted) {
  const bool reads = wanted.ends_with(kRead);
  return std::ranges::any_of(held, [&](std::string_view scope) {
    if (scope == "all" || scope == wanted) return true;
    if (!reads) return false;
    return scope == "all:read" || scope == wanted.substr(0, wanted.size() - kRead.size());
  });
}

std::string canonical_scope(std::string_view text) {
  std::string_view word = text;
  std::string_view suffix;
  if (word.ends_with(kRead)) {
    word.remove_suffix(kRead.size());
    suffix = kRead;
  }
  if (word == "devices_invites") word = "device_invites";  // seen in tools
  if (std::ranges::find(kWords, word) == kWords.end()) return {};
  return std::string(word) + std::string(suffix);
}

std::vector<std::string> scopes_of_role(std::string_view role) {
  static const std::array<Role, 5> kRoles = {{
      {"owner", {"all"}},
      {"admin", {"all"}},
      {"it-admin",
       {"all:read", "devices:core", "devices:routes", "devices:posture_attributes",
        "device_invites", "users", "user_invites"}},
      {"network-admin",
       {"all:read", "policy_file", "dns", "devices:routes", "auth_keys", "networking_settings"}},
      {"auditor", {"all:read"}},
  }};
  const auto found = std::ranges::find(kRoles, role, &Role::name);
  return found == kRoles.end() ? std::vector<std::string>() : found->scopes;
}

}  // namespace aya::api
