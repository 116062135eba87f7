// What a relay answers to HTTP before, or instead of, the DERP stream (nat-traversal 3.4). Pure
// functions over the few parts of a request that matter here; parsing HTTP and owning the stream is
// the caller's (coord-server/serve).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/derp/relay_key.h"

namespace aya::relay_server {

// Borrowed from the caller's request; an absent header is empty.
struct RelayRequest {
  std::string_view method{};
  std::string_view path{};                // without the query
  std::string_view upgrade{};             // Upgrade
  std::string_view websocket_protocol{};  // Sec-WebSocket-Protocol
  std::string_view fast_start{};          // Derp-Fast-Start
  std::string_view ideal_node{};          // Ideal-Node
  std::string_view challenge{};           // X-Tailscale-Challenge
};

struct RelayAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// The answer to /derp/probe, /derp/latency-check, /generate_204 and /robots.txt; nullopt: not a
// path of the relay (or /derp itself, see below).
std::optional<RelayAnswer> answer_plain(const RelayRequest& request);

// What becomes of a request for /derp.
struct UpgradeToDerp {
  std::string response_head;  // to be written first; empty for a fast start
  bool ideal = true;          // for DerpHub::accept
};
struct UpgradeDecision {
  // Either the stream is handed to DerpHub, with every byte behind the request's blank line...
  std::optional<UpgradeToDerp> derp;
  // ...or this is answered.
  RelayAnswer refusal;
};
UpgradeDecision decide_upgrade(const RelayRequest& request, const derp::RelayPublicKey& relay);

}  // namespace aya::relay_server
