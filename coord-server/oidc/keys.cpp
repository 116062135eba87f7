#include "coord-server/oidc/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <array>

#include "coord-server/oidc/strict_json.h"
#include "proto/base/base64.h"
#include "proto/base/free_with.h"

namespace aya::oidc {
namespace {

constexpr int kWeakestRsa = 2048;
constexpr int kStrongestRsa = 8192;  // or checking one signature takes a second
constexpr std::size_t kMostKeys = 64;
constexpr std::size_t kP256Coordinate = 32;

using BigNumber = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

// TLS on this thread looks at the same queue of errors.
struct QuietErrors {
  ~QuietErrors() { ERR_clear_error(); }
};

struct Named {
  std::string_view name;
  Algorithm algorithm;
  int kind;  // of key
};
constexpr std::array kAlgorithms = {
    Named{"RS256", Algorithm::Rs256, EVP_PKEY_RSA},
    Named{"PS256", Algorithm::Ps256, EVP_PKEY_RSA},
    Named{"ES256", Algorithm::Es256, EVP_PKEY_EC},
    Named{"EdDSA", Algorithm::EdDsa, EVP_PKEY_ED25519},
};

std::optional<Buffer> bytes_at(const Json& jwk, const char* name) {
  return parse_base64url(text_at(jwk, name));
}

BigNumber number_of(const Buffer& bytes) {
  return BigNumber(BN_bin2bn(uchars(Bytes(bytes)), static_cast<int>(bytes.size()), nullptr));
}

EVP_PKEY* from_params(const char* kind, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) <= 0) return nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) <= 0)
    return nullptr;
  return key;
}

EVP_PKEY* rsa_key(const Json& jwk) {
  const auto n = bytes_at(jwk, "n");
  const auto e = bytes_at(jwk, "e");
  if (!n || !e || e->empty() || e->size() > 8 || n->size() > kStrongestRsa / 8) return nullptr;
  const BigNumber modulus = number_of(*n), exponent = number_of(*e);
  if (!modulus || !exponent || BN_num_bits(modulus.get()) < kWeakestRsa) return nullptr;
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return nullptr;
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) ||
      !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get())) {
    return nullptr;
  }
  return from_params("RSA", builder.get());
}

EVP_PKEY* p256_key(const Json& jwk) {
  const auto x = bytes_at(jwk, "x");
  const auto y = bytes_at(jwk, "y");
  if (text_at(jwk, "crv") != "P-256" || !x || !y) return nullptr;
  if (x->size() != kP256Coordinate || y->size() != kP256Coordinate) return nullptr;
  Buffer point = {std::byte{4}};  // uncompressed
  append(point, *x);
  append(point, *y);
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      !OSSL_PARAM_BLD_push_utf8_string(
          builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
      !OSSL_PARAM_BLD_push_octet_string(
          builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size())) {
    return nullptr;
  }
  return from_params("EC", builder.get());
}

EVP_PKEY* ed25519_key(const Json& jwk) {
  const auto x = bytes_at(jwk, "x");
  if (text_at(jwk, "crv") != "Ed25519" || !x) return nullptr;
  return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, uchars(Bytes(*x)), x->size());
}

EVP_PKEY* key_of(const Json& jwk) {
  const std::string kind = text_at(jwk, "kty");
  if (kind == "RSA") return rsa_key(jwk);
  if (kind == "EC") return p256_key(jwk);
  if (kind == "OKP") return ed25519_key(jwk);
  return nullptr;
}

// JOSE puts the two numbers side by side; OpenSSL wants them as DER.
std::optional<Buffer> der_of(Bytes pair) {
  if (pair.size() != 2 * kP256Coordinate) return std::nullopt;
  const auto half = [&](std::size_t at) {
    return BN_bin2bn(uchars(pair.subspan(at, kP256Coordinate)), kP256Coordinate, nullptr);
  };
  const Signature both(ECDSA_SIG_new());
  BigNumber r(half(0)), s(half(kP256Coordinate));
  if (!both || !r || !s || !ECDSA_SIG_set0(both.get(), r.get(), s.get())) return std::nullopt;
  r.release();
  s.release();
  unsigned char* made = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &made);
  if (size <= 0) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::byte*>(made);
  Buffer out(bytes, bytes + size);
  OPENSSL_free(made);
  return out;
}

}  // namespace

std::optional<Algorithm> algorithm_named(std::string_view name) {
  for (const Named& each : kAlgorithms) {
    if (each.name == name) return each.algorithm;
  }
  return std::nullopt;
}

Key::Key(std::string name, std::string algorithm, EVP_PKEY* taken)
    : name_(std::move(name)), algorithm_(std::move(algorithm)), key_(taken, EVP_PKEY_free) {}

bool Key::fits(Algorithm algorithm) const {
  for (const Named& each : kAlgorithms) {
    if (each.algorithm != algorithm) continue;
    const bool says_so = algorithm_.empty() || algorithm_ == each.name;
    return says_so && EVP_PKEY_get_base_id(key_.get()) == each.kind;
  }
  return false;
}

bool Key::verify(Algorithm algorithm, Bytes signed_text, Bytes signature) const {
  const QuietErrors quiet;
  std::optional<Buffer> der;
  if (algorithm == Algorithm::Es256) {
    der = der_of(signature);
    if (!der) return false;
    signature = *der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  const EVP_MD* digest = algorithm == Algorithm::EdDsa ? nullptr : EVP_sha256();
  if (!context || EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key_.get()) <= 0) {
    return false;
  }
  const bool pss = algorithm == Algorithm::Ps256;
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) <= 0 ||
              EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
    return false;
  }
  return EVP_DigestVerify(
             context.get(), uchars(signature), signature.size(), uchars(signed_text),
             signed_text.size()) == 1;
}

KeySet parse_key_set(std::string_view json) {
  const QuietErrors quiet;
  KeySet out;
  const auto document = parse_object(json, kLongestDocument);
  if (!document) return out;
  const auto keys = document->find("keys");
  if (keys == document->end() || !keys->is_array()) return out;
  for (const Json& jwk : *keys) {
    if (out.size() == kMostKeys) break;
    if (!jwk.is_object()) continue;
    const std::string use = text_at(jwk, "use");
    if (!use.empty() && use != "sig") continue;
    if (EVP_PKEY* key = key_of(jwk))
      out.emplace_back(text_at(jwk, "kid"), text_at(jwk, "alg"), key);
  }
  return out;
}

}  // namespace aya::oidc
