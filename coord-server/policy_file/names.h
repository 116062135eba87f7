// What names in a policy must look like. Private to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::policy_file {

// What is wrong with "tag:…", as a person can be told; nothing if it is fine.
std::optional<std::string> fault_of_tag(std::string_view tag);
std::optional<std::string> fault_of_group(std::string_view group);
// The name of a capability a grant gives: "example.com/cap/x", never a URL.
std::optional<std::string> fault_of_capability(std::string_view name);

}  // namespace aya::policy_file
