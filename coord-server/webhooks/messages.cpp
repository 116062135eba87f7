#include "coord-server/webhooks/messages.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "proto/base/hex.h"
#include "proto/crypto/hmac.h"

namespace aya::webhooks {
namespace {

using nlohmann::json;

struct Chat {
  std::string_view name;
  const char* member;        // of the object that a text is sent in
  std::size_t longest_text;  // in bytes, that the chat takes
};
constexpr std::array kChats = {
    Chat{"slack", "text", 30000}, Chat{"mattermost", "text", 16000},
    Chat{"googlechat", "text", 4000}, Chat{"discord", "content", 1900}};

const Chat* chat_named(std::string_view name) {
  const auto found = std::ranges::find(kChats, name, &Chat::name);
  return found == kChats.end() ? nullptr : &*found;
}

// Not in the middle of a character.
void shorten(std::string& text, std::size_t longest) {
  if (text.size() <= longest) return;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  text += "…";
}

json event_json(const std::string& tailnet, const Event& event) {
  return {{"timestamp", to_rfc3339(event.time)},
          {"version", 1},
          {"type", event.type},
          {"tailnet", tailnet},
          {"message", event.message},
          {"data", json::parse(event.data, nullptr, false)}};
}

}  // namespace

bool is_provider(std::string_view name) { return name.empty() || chat_named(name) != nullptr; }

std::string message_body(
    std::string_view provider, const std::string& tailnet, std::span<const Event> events) {
  json body = json::array();
  if (const Chat* chat = chat_named(provider)) {
    std::string text = tailnet;
    for (const Event& event : events) text += "\n" + event.message;
    shorten(text, chat->longest_text);
    body = {{chat->member, text}};
  } else {
    for (const Event& event : events) body.push_back(event_json(tailnet, event));
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string signature(const std::string& secret, WallTime now, const std::string& body) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const std::string time = std::to_string(since.count());
  const auto mac = crypto::hmac_sha256(as_bytes(secret), as_bytes(time + '.' + body));
  return "t=" + time + ",v1=" + to_hex(mac);
}

}  // namespace aya::webhooks
