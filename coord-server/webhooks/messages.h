// Events as the body of a request, in the form that its reader knows, and the proof that it is from
// here (interfaces 1.12). Pure.
#pragma once

#include <span>

#include "coord-server/webhooks/events.h"

namespace aya::webhooks {

// "", "slack", "mattermost", "googlechat", "discord".
bool is_provider(std::string_view name);

// Our own form is an array of {timestamp, version, type, tailnet, message, data}; chats get one text
// with a line for each event.
std::string message_body(
    std::string_view provider, const std::string& tailnet, std::span<const Event> events);

// Of "<seconds since 1970>.<body>", under the webhook's secret: "t=1700000000,v1=<hex>".
inline constexpr const char* kSignatureHeader = "Tailscale-Webhook-Signature";
std::string signature(const std::string& secret, WallTime now, const std::string& body);

}  // namespace aya::webhooks
