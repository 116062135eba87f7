#include "proto/crypto/aead.h"
#include "proto/crypto/aead_backends.h"

namespace aya::crypto {
namespace {

class SodiumAead final : public AeadBatch {
 public:
  std::string_view name() const override { return "sodium"; }

  void seal(const Key32& key, std::span<AeadJob> jobs) override {
    for (const AeadJob& job : jobs) {
      seal_into(
          key, nonce_le(job.counter), {}, Bytes(job.data, job.len),
          MutableBytes(job.data, job.len + kTagSize));
    }
  }

  void open(const Key32& key, std::span<AeadJob> jobs) override {
    for (AeadJob& job : jobs) {
      job.ok = open_into(
          key, nonce_le(job.counter), {}, Bytes(job.data, job.len + kTagSize),
          MutableBytes(job.data, job.len));
    }
  }
};

}  // namespace

std::unique_ptr<AeadBatch> make_sodium_aead() { return std::make_unique<SodiumAead>(); }

}  // namespace aya::crypto
