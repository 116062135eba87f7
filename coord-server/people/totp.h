// Codes of an authenticator (RFC 6238: SHA-1, six digits, thirty seconds), as a second factor.
// Pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/time.h"

namespace aya::people {

using TotpSecret = std::array<std::byte, 20>;

std::int64_t totp_step(WallTime now);
std::string totp_code(const TotpSecret& secret, std::int64_t step);  // six digits

// The step whose code this is: now, or one before or after it (clocks differ), and later than
// `used`, because a code is good for one login.
std::optional<std::int64_t> match_totp(
    const TotpSecret& secret, std::string_view code, WallTime now, std::int64_t used);

// Base32 without padding, as people type it into an authenticator; and back.
std::string totp_text(const TotpSecret& secret);
std::optional<TotpSecret> parse_totp_text(std::string_view text);
// What an authenticator reads.
std::string totp_uri(const TotpSecret& secret, std::string_view login, std::string_view host);

}  // namespace aya::people
