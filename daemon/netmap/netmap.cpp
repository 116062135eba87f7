#include "daemon/netmap/netmap.h"

#include "proto/base/hex.h"
#include "proto/crypto/sha256.h"

namespace aya::netmap {

control::FilterRules Netmap::filter_rules() const {
  control::FilterRules all;
  for (const auto& [name, rules] : packet_filters)
    all.insert(all.end(), rules.begin(), rules.end());
  return all;
}

std::map<std::string, control::DisplayMessage> Netmap::messages() const {
  if (!display_messages.empty()) return display_messages;
  std::map<std::string, control::DisplayMessage> out;
  for (const std::string& text : health) {
    control::DisplayMessage message;
    message.title = "Coordination server reports an issue";
    message.text = "The coordination server is reporting a health issue: " + text;
    message.severity = "medium";
    out.emplace("health-" + to_hex(crypto::sha256(as_bytes(text))), std::move(message));
  }
  return out;
}

const control::UserProfile* Netmap::profile(UserId id) const {
  const auto found = user_profiles.find(id);
  return found == user_profiles.end() ? nullptr : &found->second;
}

std::string Netmap::magic_dns_suffix() const {
  std::string_view name = self.name;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {};
  name.remove_prefix(dot + 1);
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::string(name);
}

}  // namespace aya::netmap
