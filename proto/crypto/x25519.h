// X25519 (RFC 7748) over libsodium.
#pragma once

#include <array>
#include <optional>

#include "proto/base/rng.h"
#include "proto/crypto/secret.h"

namespace aya::crypto {

using Point32 = std::array<std::byte, 32>;

// A clamped private scalar.
Key32 new_x25519_private(Rng& rng);
Key32 clamp_x25519(std::span<const std::byte, 32> raw);

Point32 x25519_public(const Key32& private_key);

// nullopt for a low-order point (all-zero result), which every caller must refuse.
std::optional<Key32> x25519(const Key32& private_key, std::span<const std::byte, 32> public_key);

}  // namespace aya::crypto
