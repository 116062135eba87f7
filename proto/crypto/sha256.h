// SHA-256 over libsodium, for names derived from text and for certificate pins.
#pragma once

#include <array>

#include "proto/base/bytes.h"

namespace aya::crypto {

std::array<std::byte, 32> sha256(Bytes input);

}  // namespace aya::crypto
