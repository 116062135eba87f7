// BLAKE2s in the three forms WireGuard and the control protocol use; they are not interchangeable.
// Over OpenSSL, since libsodium has BLAKE2b only. Any thread.
#pragma once

#include <array>
#include <initializer_list>

#include "proto/crypto/secret.h"

namespace aya::crypto {

using Hash32 = std::array<std::byte, 32>;

// BLAKE2s-256 over the concatenation of `parts` (RFC 7693).
Hash32 blake2s(std::initializer_list<Bytes> parts);

// Keyed BLAKE2s with 16 bytes of output: WireGuard's MAC(key, input).
std::array<std::byte, 16> blake2s_mac16(Bytes key, std::initializer_list<Bytes> parts);

// Classic HMAC over BLAKE2s-256 with its 64-byte block (RFC 2104).
Hash32 hmac_blake2s(Bytes key, std::initializer_list<Bytes> parts);

// HKDF over hmac_blake2s as Noise defines it: t1 = HMAC(HMAC(ck, input), 01), and so on.
struct Kdf2 {
  Key32 first, second;
};
struct Kdf3 {
  Key32 first, second, third;
};
Key32 kdf1(Bytes chaining_key, Bytes input);
Kdf2 kdf2(Bytes chaining_key, Bytes input);
Kdf3 kdf3(Bytes chaining_key, Bytes input);

}  // namespace aya::crypto
