// NaCl crypto_box (X25519, XSalsa20, Poly1305) in its "easy" layout: tag first, then ciphertext.
// DISCO packets and the DERP greeting use it (nat-traversal 2.1, 3.5).
#pragma once

#include <array>
#include <optional>

#include "proto/crypto/secret.h"

namespace aya::crypto {

inline constexpr std::size_t kBoxNonceSize = 24;
inline constexpr std::size_t kBoxTagSize = 16;
using BoxNonce = std::array<std::byte, kBoxNonceSize>;

// The key two parties share; worth caching. nullopt for a low-order public key.
std::optional<Key32> box_shared_key(
    const Key32& private_key, std::span<const std::byte, 32> public_key);

// Appends tag and ciphertext to `out`.
void seal_box(const Key32& shared, const BoxNonce& nonce, Bytes plain, Buffer& out);

// nullopt: not sealed with this key and nonce.
std::optional<Buffer> open_box(const Key32& shared, const BoxNonce& nonce, Bytes sealed);

}  // namespace aya::crypto
