// Standard base64 with padding (RFC 4648, section 4), as JSON documents carry bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace aya {

std::string to_base64(Bytes bytes);
std::optional<Buffer> parse_base64(std::string_view text);
std::optional<Buffer> parse_base64url(std::string_view text);  // section 5, without padding
std::string to_base64url(Bytes bytes);

}  // namespace aya
