#include <openssl/evp.h>

#include "proto/base/check.h"
#include "proto/base/free_with.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/aead_backends.h"

namespace aya::crypto {
namespace {

using Cipher = std::unique_ptr<EVP_CIPHER, FreeWith<EVP_CIPHER_free>>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

// One context per direction: the cipher is set up in it once, a key once a batch, and a packet
// brings no more than its nonce. That still costs about a microsecond a packet.
class OpensslAead final : public AeadBatch {
 public:
  OpensslAead() {
    AYA_CHECK(cipher_ != nullptr && sealing_ != nullptr && opening_ != nullptr);
    AYA_CHECK(EVP_EncryptInit_ex2(sealing_.get(), cipher_.get(), nullptr, nullptr, nullptr) == 1);
    AYA_CHECK(EVP_DecryptInit_ex2(opening_.get(), cipher_.get(), nullptr, nullptr, nullptr) == 1);
  }

  std::string_view name() const override { return "openssl"; }

  void seal(const Key32& key, std::span<AeadJob> jobs) override {
    set_key(sealing_, key);
    for (const AeadJob& job : jobs) seal_one(job);
    set_key(sealing_, Key32{});
  }

  void open(const Key32& key, std::span<AeadJob> jobs) override {
    set_key(opening_, key);
    for (AeadJob& job : jobs) job.ok = open_one(job);
    set_key(opening_, Key32{});
  }

 private:
  static void set_key(const Context& context, const Key32& key) {
    AYA_CHECK(
        EVP_CipherInit_ex2(
            context.get(), nullptr, uchars(Bytes(key.bytes())), nullptr, -1, nullptr) == 1);
  }

  static void set_nonce(const Context& context, std::uint64_t counter) {
    const Nonce12 nonce = nonce_le(counter);
    AYA_CHECK(
        EVP_CipherInit_ex2(context.get(), nullptr, nullptr, uchars(Bytes(nonce)), -1, nullptr) ==
        1);
  }

  void seal_one(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = sealing_.get();
    auto* const text = reinterpret_cast<unsigned char*>(job.data);
    int written = 0;
    set_nonce(sealing_, job.counter);
    AYA_CHECK(EVP_EncryptUpdate(context, text, &written, text, static_cast<int>(job.len)) == 1);
    AYA_CHECK(EVP_EncryptFinal_ex(context, text + job.len, &written) == 1);
    AYA_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, text + job.len) == 1);
  }

  bool open_one(const AeadJob& job) {
    EVP_CIPHER_CTX* const context = opening_.get();
    auto* const text = reinterpret_cast<unsigned char*>(job.data);
    int written = 0;
    set_nonce(opening_, job.counter);
    AYA_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, text + job.len) == 1);
    return EVP_DecryptUpdate(context, text, &written, text, static_cast<int>(job.len)) == 1 &&
           EVP_DecryptFinal_ex(context, text + job.len, &written) == 1;
  }

  Cipher cipher_{EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
  Context sealing_{EVP_CIPHER_CTX_new()};
  Context opening_{EVP_CIPHER_CTX_new()};
};

}  // namespace

std::unique_ptr<AeadBatch> make_openssl_aead() { return std::make_unique<OpensslAead>(); }

}  // namespace aya::crypto
