#include "coord-server/issuer/signing_key.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "proto/base/base64.h"
#include "proto/base/check.h"
#include "proto/base/free_with.h"
#include "proto/crypto/sha256.h"

namespace aya::issuer {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using MemoryBio = std::unique_ptr<BIO, FreeWith<BIO_free>>;

}  // namespace

SigningKey::SigningKey(EVP_PKEY* taken) : key_(taken, EVP_PKEY_free) {
  const std::string required =
      R"({"e":")" + exponent() + R"(","kty":"RSA","n":")" + modulus() + R"("})";
  name_ = to_base64url(crypto::sha256(as_bytes(required)));
}

SigningKey SigningKey::generate() {
  EVP_PKEY* made = EVP_RSA_gen(kBits);
  AYA_CHECK(made != nullptr);  // without random numbers nothing here works
  return SigningKey(made);
}

std::optional<SigningKey> SigningKey::parse_for_storage(std::string_view pem) {
  const MemoryBio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = in ? PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr) : nullptr;
  ERR_clear_error();  // TLS on this thread looks at the same queue
  if (key == nullptr) return std::nullopt;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    EVP_PKEY_free(key);
    return std::nullopt;
  }
  return SigningKey(key);
}

std::string SigningKey::to_text_for_storage() const {
  const MemoryBio out(BIO_new(BIO_s_mem()));
  AYA_CHECK(
      out && PEM_write_bio_PrivateKey(
                 out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string SigningKey::number(const char* name) const {
  BIGNUM* value = nullptr;
  AYA_CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
  Buffer bytes(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, uchars(MutableBytes(bytes)));
  BN_free(value);
  return to_base64url(bytes);
}

Buffer SigningKey::sign(Bytes text) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
  Buffer out(size);
  AYA_CHECK(
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_DigestSign(
          context.get(), uchars(MutableBytes(out)), &size, uchars(text), text.size()) == 1);
  out.resize(size);
  return out;
}

}  // namespace aya::issuer
