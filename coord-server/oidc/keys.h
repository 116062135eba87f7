// Keys with which a provider signs (RFC 7517), and the checking of its signatures (RFC 7515) by
// OpenSSL. Four algorithms, chosen by us: a token never decides which one is used on which key.
//
// Pure. Keys may be shared between threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace aya::oidc {

enum class Algorithm { Rs256, Ps256, Es256, EdDsa };
std::optional<Algorithm> algorithm_named(std::string_view name);

class Key {
 public:
  // `name` is its "kid", which may be empty.
  Key(std::string name, std::string algorithm, EVP_PKEY* taken);

  const std::string& name() const { return name_; }
  // Made for this algorithm, by kind and by what it says of itself.
  bool fits(Algorithm algorithm) const;
  bool verify(Algorithm algorithm, Bytes signed_text, Bytes signature) const;

 private:
  std::string name_, algorithm_;
  std::shared_ptr<EVP_PKEY> key_;  // copies of a set share it; never changed
};

using KeySet = std::vector<Key>;

// A JWK set. Keys of other kinds, for other uses, or too weak are left out; a text that is no set
// gives none.
KeySet parse_key_set(std::string_view json);

}  // namespace aya::oidc
