// What may be a password: long enough, and not among those that everybody tries first. Nothing
// about kinds of characters, which makes passwords worse. Pure.
#pragma once

#include <string_view>

namespace aya::people {

enum class PasswordFault { None, TooShort, TooLong, Common };

inline constexpr std::size_t kShortestPassword = 10;   // characters
inline constexpr std::size_t kLongestPassword = 1024;  // bytes

PasswordFault fault_of(std::string_view password, std::string_view login);

}  // namespace aya::people
