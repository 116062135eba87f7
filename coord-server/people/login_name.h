// What users may be called, and what they may be.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace aya::people {

inline constexpr std::string_view kLoginText = "1 to 64 letters, digits and . _ - @ +";
inline constexpr std::string_view kRolesText =
    "want owner, admin, it-admin, network-admin, billing-admin, auditor or member";

// Printable, without what would need quoting in a shell, a policy or a URL.
inline bool is_login(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == '.' || c == '_' || c == '-' || c == '@' ||
           c == '+';
  });
}

inline bool is_role(std::string_view text) {
  constexpr std::array<std::string_view, 7> kRoles = {
      "owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"};
  return std::ranges::find(kRoles, text) != kRoles.end();
}

}  // namespace aya::people
