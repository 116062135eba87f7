// HMAC (RFC 2104) over OpenSSL: texts that only we can have made, and one-time passwords, which
// are bound to SHA-1.
#pragma once

#include <array>

#include "proto/base/bytes.h"

namespace aya::crypto {

std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message);
std::array<std::byte, 20> hmac_sha1(Bytes key, Bytes message);

}  // namespace aya::crypto
