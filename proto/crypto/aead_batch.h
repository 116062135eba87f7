// Bulk ChaCha20-Poly1305 for WireGuard data: many packets under one key, sealed or opened in place.
//
//   AeadChoice choice = choose_aead();        // once, at start; checks itself against libsodium
//   choice.aead->seal(key, jobs);             // data[0, len) becomes ciphertext, the tag follows
//   it choice.aead->open(key, jobs);             // and back; look at each job's `ok`
//
// Backends (dataplane 3.2): "ipsec-mb" where the build found it and the processor has AVX2 or more,
// "openssl", and "sodium", which is everywhere and the oracle of the others.
//
// An AeadBatch belongs to one thread and holds no key after a call returns. Calls do not allocate.
#pragma once

#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "proto/crypto/secret.h"

namespace aya::crypto {

struct AeadJob {
  std::byte* data = nullptr;  // `len` bytes of text, then room for (or holding) the 16-byte tag
  std::uint32_t len = 0;
  std::uint64_t counter = 0;  // the nonce: four zero bytes, then this, little-endian
  bool ok = false;            // set by open(); where false, the bytes at `data` are garbage
};

class AeadBatch {
 public:
  virtual ~AeadBatch() = default;
  virtual std::string_view name() const = 0;
  // Counters must differ from each other and from all used before with this key.
  virtual void seal(const Key32& key, std::span<AeadJob> jobs) = 0;
  virtual void open(const Key32& key, std::span<AeadJob> jobs) = 0;
};

// The backends this build and this processor can run, fastest first; "sodium" is always last.
std::vector<std::string_view> aead_backends();

// nullptr where this build or this processor lacks it.
std::unique_ptr<AeadBatch> make_aead(std::string_view name);

// A known answer and some 200 random shapes against libsodium, both ways, and forgeries. A few ms.
bool agrees_with_sodium(AeadBatch& candidate);

struct AeadChoice {
  std::unique_ptr<AeadBatch> aead;         // never null
  std::vector<std::string_view> rejected;  // failed their check, or were forced and do not exist
};

// The first backend that passes its check. `forced` names one instead (nullptr or "": none); a
// sanitized build takes "sodium" by itself, since the others are not instrumented.
AeadChoice choose_aead(const char* forced = std::getenv("AYATORI_AEAD"));

}  // namespace aya::crypto
