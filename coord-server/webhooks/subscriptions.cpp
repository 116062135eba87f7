#include "coord-server/webhooks/subscriptions.h"

#include <algorithm>
#include <array>

namespace aya::webhooks {
namespace {

constexpr std::string_view kManagement = "categoryTailnetManagement",
                           kMisconfigurations = "categoryDeviceMisconfigurations";

// The categories first.
constexpr std::array<std::string_view, 19> kNames = {
    kManagement,
    kMisconfigurations,
    "nodeCreated",
    "nodeNeedsApproval",
    "nodeApproved",
    "nodeAddressChanged",
    "nodeKeyExpiringInOneDay",
    "nodeKeyExpired",
    "nodeDeleted",
    "policyUpdate",
    "userCreated",
    "userNeedsApproval",
    "userSuspended",
    "userRestored",
    "userDeleted",
    "userApproved",
    "userRoleUpdated",
    "subnetIPForwardingNotEnabled",
    "exitNodeIPForwardingNotEnabled"};

std::string_view category_of(std::string_view event) {
  return event.ends_with("IPForwardingNotEnabled") ? kMisconfigurations : kManagement;
}

}  // namespace

std::span<const std::string_view> subscription_names() { return kNames; }

bool is_subscription(std::string_view name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

bool wants(const std::vector<std::string>& subscriptions, std::string_view event) {
  return std::ranges::any_of(subscriptions, [&](const std::string& name) {
    return name == event || name == category_of(event);
  });
}

}  // namespace aya::webhooks
