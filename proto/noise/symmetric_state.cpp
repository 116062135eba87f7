#include "proto/noise/symmetric_state.h"

#include "proto/base/check.h"

namespace aya::noise {

SymmetricState::SymmetricState(std::string_view protocol_name)
    : h_(crypto::blake2s({as_bytes(protocol_name)})), ck_(h_) {
  AYA_CHECK(protocol_name.size() > h_.size());
}

void SymmetricState::mix_hash(Bytes data) { h_ = crypto::blake2s({h_, data}); }

void SymmetricState::mix_key(Bytes input) {
  const crypto::Kdf2 out = crypto::kdf2(ck_.bytes(), input);
  ck_ = out.first;
  k_ = out.second;
}

void SymmetricState::mix_chaining_key(Bytes input) { ck_ = crypto::kdf1(ck_.bytes(), input); }

void SymmetricState::mix_key_and_hash(Bytes psk) {
  const crypto::Kdf3 out = crypto::kdf3(ck_.bytes(), psk);
  ck_ = out.first;
  mix_hash(out.second.bytes());
  k_ = out.third;
}

void SymmetricState::encrypt_and_hash(Bytes plain, MutableBytes sealed) {
  crypto::seal_into(k_, crypto::Nonce12{}, h_, plain, sealed);
  mix_hash(sealed);
}

bool SymmetricState::decrypt_and_hash(Bytes sealed, MutableBytes plain) {
  if (!crypto::open_into(k_, crypto::Nonce12{}, h_, sealed, plain)) return false;
  mix_hash(sealed);
  return true;
}

crypto::Kdf2 SymmetricState::split() const { return crypto::kdf2(ck_.bytes(), {}); }

}  // namespace aya::noise
