// The running hash, chaining key and cipher key of a Noise handshake (Noise specification, 5.2),
// over BLAKE2s and ChaCha20-Poly1305. Every cipher key seals once, with nonce zero, because in the
// two patterns we speak a new key is mixed before every seal.
#pragma once

#include <optional>

#include "proto/crypto/aead.h"
#include "proto/crypto/blake2s.h"

namespace aya::noise {

// What a finished handshake leaves behind.
struct SessionKeys {
  crypto::Key32 send;
  crypto::Key32 receive;
};

class SymmetricState {
 public:
  // `protocol_name` is longer than 32 bytes in both patterns, so it is hashed.
  explicit SymmetricState(std::string_view protocol_name);
  ~SymmetricState() { crypto::wipe(h_); }
  SymmetricState(const SymmetricState&) = default;
  SymmetricState& operator=(const SymmetricState&) = default;

  void mix_hash(Bytes data);
  void mix_key(Bytes input);           // ck, k = KDF2(ck, input)
  void mix_chaining_key(Bytes input);  // ck = KDF1(ck, input); leaves k alone
  void mix_key_and_hash(Bytes psk);    // ck, tau, k = KDF3(ck, psk); then tau into the hash

  // `sealed` has plain.size() + 16 bytes. open() leaves the state unchanged where the tag is wrong.
  void encrypt_and_hash(Bytes plain, MutableBytes sealed);
  [[nodiscard]] bool decrypt_and_hash(Bytes sealed, MutableBytes plain);

  // Keys of the initiator's direction, then of the responder's.
  crypto::Kdf2 split() const;

  const crypto::Hash32& hash() const { return h_; }
  const crypto::Key32& chaining_key() const { return ck_; }
  const crypto::Key32& key() const { return k_; }

 private:
  crypto::Hash32 h_;
  crypto::Key32 ck_;
  crypto::Key32 k_;
};

}  // namespace aya::noise
