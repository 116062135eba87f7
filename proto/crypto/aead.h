// ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 over libsodium, one message at a time: for
// handshakes and control records. Bulk data goes through aead_batch.h.
#pragma once

#include <array>

#include "proto/crypto/secret.h"

namespace aya::crypto {

inline constexpr std::size_t kTagSize = 16;
using Nonce12 = std::array<std::byte, 12>;

Nonce12 nonce_le(std::uint64_t counter);  // 4 zero bytes, then the counter: WireGuard, Noise
Nonce12 nonce_be(std::uint64_t counter);  // the control protocol's transport

// Appends ciphertext and tag to `out`.
void seal(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes plain, Buffer& out);

// Appends the plaintext; false and `out` unchanged where the tag is wrong or missing.
[[nodiscard]] bool open(
    const Key32& key, const Nonce12& nonce, Bytes ad, Bytes sealed, Buffer& out);

// The same into fixed places: `sealed` is plain.size() + kTagSize, and the reverse.
void seal_into(const Key32& key, const Nonce12& nonce, Bytes ad, Bytes plain, MutableBytes sealed);
[[nodiscard]] bool open_into(
    const Key32& key, const Nonce12& nonce, Bytes ad, Bytes sealed, MutableBytes plain);

void xseal_into(
    const Key32& key, std::span<const std::byte, 24> nonce, Bytes ad, Bytes plain,
    MutableBytes sealed);
[[nodiscard]] bool xopen_into(
    const Key32& key, std::span<const std::byte, 24> nonce, Bytes ad, Bytes sealed,
    MutableBytes plain);

}  // namespace aya::crypto
