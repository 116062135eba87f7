#include "coord-server/relay_server/relay_http.h"

#include <algorithm>

#include "proto/base/hex.h"
#include "proto/derp/frame.h"

namespace aya::relay_server {
namespace {

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lowered, lowered);
}

RelayAnswer answer_probe(const RelayRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, {{"Allow", "GET, HEAD"}}, "probes are GET or HEAD\n"};
  }
  return {200, {{"Access-Control-Allow-Origin", "*"}}, ""};
}

bool is_challenge_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._:-").find(c) != std::string_view::npos;
}

// Anything else would let a stranger choose what stands in our headers.
bool is_challenge(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_challenge_character);
}

// A captive portal cannot know how to answer the challenge.
RelayAnswer answer_no_content(const RelayRequest& request) {
  RelayAnswer answer{204, {}, ""};
  answer.headers.emplace_back(
      "Cache-Control", "no-cache, no-store, must-revalidate, no-transform, max-age=0");
  if (is_challenge(request.challenge)) {
    answer.headers.emplace_back(
        "X-Tailscale-Response", "response " + std::string(request.challenge));
  }
  return answer;
}

UpgradeDecision refuse(int status, std::string body) {
  UpgradeDecision out;
  out.refusal = {status, {}, std::move(body)};
  if (status == 426) out.refusal.headers = {{"Upgrade", "DERP"}, {"Connection", "Upgrade"}};
  return out;
}

std::string switching_protocols(const derp::RelayPublicKey& relay) {
  return "HTTP/1.1 101 Switching Protocols\r\n"
         "Upgrade: DERP\r\n"
         "Connection: Upgrade\r\n"
         "Derp-Version: " +
         std::to_string(derp::kProtocolVersion) +
         "\r\n"
         "Derp-Public-Key: " +
         to_hex(relay.bytes()) + "\r\n\r\n";
}

}  // namespace

std::optional<RelayAnswer> answer_plain(const RelayRequest& request) {
  if (request.path == "/derp/probe" || request.path == "/derp/latency-check") {
    return answer_probe(request);
  }
  if (request.path == "/generate_204") return answer_no_content(request);
  if (request.path == "/robots.txt") {
    return RelayAnswer{200, {{"Content-Type", "text/plain"}}, "User-agent: *\nDisallow: /\n"};
  }
  return std::nullopt;
}

UpgradeDecision decide_upgrade(const RelayRequest& request, const derp::RelayPublicKey& relay) {
  const bool websocket = same_text(request.upgrade, "websocket");
  if (!websocket && !same_text(request.upgrade, "derp")) {
    return refuse(426, "this path speaks DERP: send \"Upgrade: DERP\"\n");
  }
  // Very old clients said "websocket" and meant plain DERP; browsers, which name the sub-protocol,
  // mean it.
  if (websocket && same_text(request.websocket_protocol, "derp")) {
    return refuse(426, "DERP over WebSocket is not offered here\n");
  }
  UpgradeDecision out;
  out.derp.emplace();
  out.derp->ideal = request.ideal_node.empty();
  if (request.fast_start != "1") out.derp->response_head = switching_protocols(relay);
  return out;
}

}  // namespace aya::relay_server
