// Which news there are, and who wants which (interfaces 1.12). A subscription is the name of an
// event, or of a category of events.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya::webhooks {

// Every name that may be subscribed to. Those about IP forwarding are for tools that ask for all
// there is: nodes do not tell a server whether their host forwards packets, so these never happen.
std::span<const std::string_view> subscription_names();
bool is_subscription(std::string_view name);

bool wants(const std::vector<std::string>& subscriptions, std::string_view event);

}  // namespace aya::webhooks
