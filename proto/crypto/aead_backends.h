// The backends behind aead_batch.h, each in its own file. Only proto/crypto includes this.
#pragma once

#include "proto/crypto/aead_batch.h"

namespace aya::crypto {

std::unique_ptr<AeadBatch> make_sodium_aead();
std::unique_ptr<AeadBatch> make_openssl_aead();
// nullptr on processors for which the library has no vector code.
std::unique_ptr<AeadBatch> make_ipsec_mb_aead();

}  // namespace aya::crypto
