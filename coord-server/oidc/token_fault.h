// Why a signed token is not taken.
#pragma once

#include <chrono>
#include <string>

namespace aya::oidc {

struct TokenFault {
  enum class Kind {
    UnknownKey,  // signed by a key that is not in the set: it may have a new one
    Invalid,
  };
  Kind kind = Kind::Invalid;
  std::string detail;  // for the log; a stranger may have written it
};

// Clocks of two servers may differ by so much.
inline constexpr auto kClockSkew = std::chrono::seconds(60);

}  // namespace aya::oidc
