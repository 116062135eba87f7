// The version of this source tree, as the three programs print it.
#pragma once

#include <string_view>

namespace aya {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace aya
