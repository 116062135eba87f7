// A provider's key: signs tokens the way a provider does, with OpenSSL from the other side.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/base/base64.h"
#include "proto/base/check.h"

namespace aya::oidc {

class Signer {
 public:
  enum class Kind { Rsa, P256, Ed25519 };

  Signer(Kind kind, std::string name, unsigned bits = 2048) : kind_(kind), name_(std::move(name)) {
    EVP_PKEY* made = kind == Kind::Rsa    ? EVP_RSA_gen(bits)
                     : kind == Kind::P256 ? EVP_EC_gen("P-256")
                                          : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    AYA_CHECK(made != nullptr);
    key_.reset(made, EVP_PKEY_free);
  }

  nlohmann::json jwk() const {
    nlohmann::json out = {{"kid", name_}, {"use", "sig"}};
    if (kind_ == Kind::Rsa) {
      out["kty"] = "RSA";
      out["n"] = number("n");
      out["e"] = number("e");
    } else if (kind_ == Kind::P256) {
      out["kty"] = "EC";
      out["crv"] = "P-256";
      out["x"] = number("qx", 32);
      out["y"] = number("qy", 32);
    } else {
      Buffer raw(32);
      std::size_t size = raw.size();
      AYA_CHECK(EVP_PKEY_get_raw_public_key(key_.get(), uchars(MutableBytes(raw)), &size) == 1);
      out["kty"] = "OKP";
      out["crv"] = "Ed25519";
      out["x"] = to_base64url(raw);
    }
    return out;
  }
  nlohmann::json key_set() const { return {{"keys", {jwk()}}}; }

  std::string algorithm() const {
    return kind_ == Kind::Rsa ? "RS256" : kind_ == Kind::P256 ? "ES256" : "EdDSA";
  }

  std::string token(const std::string& header, const std::string& payload, bool pss = false) const {
    const std::string text = to_base64url(as_bytes(header)) + '.' + to_base64url(as_bytes(payload));
    return text + '.' + to_base64url(sign(text, pss));
  }
  std::string token(const nlohmann::json& payload) const {
    return token(nlohmann::json{{"alg", algorithm()}, {"kid", name_}}.dump(), payload.dump());
  }

 private:
  std::string number(const char* name, int size = 0) const {
    BIGNUM* value = nullptr;
    AYA_CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
    Buffer bytes(static_cast<std::size_t>(size != 0 ? size : BN_num_bytes(value)));
    BN_bn2binpad(value, uchars(MutableBytes(bytes)), static_cast<int>(bytes.size()));
    BN_free(value);
    return to_base64url(bytes);
  }

  Buffer sign(const std::string& text, bool pss) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
        EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    const EVP_MD* digest = kind_ == Kind::Ed25519 ? nullptr : EVP_sha256();
    AYA_CHECK(EVP_DigestSignInit(context.get(), &options, digest, nullptr, key_.get()) == 1);
    if (pss) {
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t size = 1024;
    Buffer out(size);
    AYA_CHECK(
        EVP_DigestSign(
            context.get(), uchars(MutableBytes(out)), &size, uchars(as_bytes(text)), text.size()) ==
        1);
    out.resize(size);
    return kind_ == Kind::P256 ? side_by_side(out) : out;
  }

  static Buffer side_by_side(const Buffer& der) {
    const unsigned char* at = uchars(Bytes(der));
    ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    Buffer out(64);
    BN_bn2binpad(ECDSA_SIG_get0_r(both), uchars(MutableBytes(out)), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), uchars(MutableBytes(out)) + 32, 32);
    ECDSA_SIG_free(both);
    return out;
  }

  Kind kind_;
  std::string name_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace aya::oidc
