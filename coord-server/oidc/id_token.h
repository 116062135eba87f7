// What a provider says about a person, once it is certain that the provider said it, to us, now,
// and in answer to this login (OpenID Connect Core 3.1.3.7). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coord-server/oidc/keys.h"
#include "coord-server/oidc/token_fault.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::oidc {

struct Claims {
  std::string issuer, subject;  // together the identity; nothing else is
  std::string email;            // as sent; see email_verified
  bool email_verified = false;
  std::string name, preferred_username;
  std::vector<std::string> groups;
};

struct Expected {
  std::string issuer, client_id, nonce;
  std::string access_token;  // what at_hash is about; empty: not looked at
};

Result<Claims, TokenFault> verify_id_token(
    std::string_view token, const KeySet& keys, const Expected& expected, WallTime now);

}  // namespace aya::oidc
