// A key that signs tokens: RSA with SHA-256 ("RS256"), which every consumer of OpenID Connect has to
// understand. Pure, but for the making of one, which asks OpenSSL for random numbers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace aya::issuer {

class SigningKey {
 public:
  static constexpr unsigned kBits = 2048;

  static SigningKey generate();  // a tenth of a second
  static std::optional<SigningKey> parse_for_storage(std::string_view pem);
  std::string to_text_for_storage() const;

  // Its name among others ("kid"): the thumbprint of the public half (RFC 7638).
  const std::string& name() const { return name_; }
  // The public half as members of a JWK: base64url of modulus and exponent.
  std::string modulus() const { return number("n"); }
  std::string exponent() const { return number("e"); }
  Buffer sign(Bytes text) const;

 private:
  explicit SigningKey(EVP_PKEY* taken);
  std::string number(const char* name) const;

  std::shared_ptr<EVP_PKEY> key_;  // copies share it; never changed
  std::string name_;
};

}  // namespace aya::issuer
