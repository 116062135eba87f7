#include "coord-server/policy_file/names.h"

#include <algorithm>
#include <array>

namespace aya::policy_file {
namespace {

constexpr std::string_view kTag = "tag:", kGroup = "group:";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Those of the hosted service's own capabilities that a policy may give.
constexpr std::array<std::string_view, 6> kOwnCapabilities = {"drive",      "relay", "webui",
                                                              "kubernetes", "tsidp", "secrets"};

}  // namespace

std::optional<std::string> fault_of_tag(std::string_view tag) {
  if (!tag.starts_with(kTag)) return "tags must start with 'tag:'";
  tag.remove_prefix(kTag.size());
  if (tag.empty()) return "tag names must not be empty";
  if (!is_letter(tag.front())) return "tag names must start with a letter, after 'tag:'";
  const bool fine =
      std::ranges::all_of(tag, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  if (!fine) return "tag names can only contain numbers, letters, or dashes";
  return std::nullopt;
}

std::optional<std::string> fault_of_group(std::string_view group) {
  if (!group.starts_with(kGroup)) return "group names must start with 'group:'";
  if (group.size() == kGroup.size()) return "group names must not be empty";
  return std::nullopt;
}

std::optional<std::string> fault_of_capability(std::string_view name) {
  static constexpr std::string_view kReserved = "tailscale.com/", kCap = "tailscale.com/cap/";
  if (name.find("://") != std::string_view::npos) return "capability name must not be a URL";
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size()) {
    return "capability name must have the form domain/path";
  }
  if (!name.starts_with(kReserved)) return std::nullopt;
  const bool known =
      name.starts_with(kCap) && std::ranges::count(kOwnCapabilities, name.substr(kCap.size())) > 0;
  if (!known) return "capability names of tailscale.com are reserved";
  return std::nullopt;
}

}  // namespace aya::policy_file
