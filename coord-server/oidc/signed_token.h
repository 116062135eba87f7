// A signed token (JWT, RFC 7519) and what holds for every kind of it: three readable parts, a
// signature by one of our algorithms, times. What it must say besides is in id_token.h and
// workload_token.h. For .cpp files only: it brings in the JSON library.
#pragma once

#include "coord-server/oidc/keys.h"
#include "coord-server/oidc/strict_json.h"
#include "coord-server/oidc/token_fault.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::oidc {

using Checked = Result<void, TokenFault>;

TokenFault invalid(std::string detail);

struct SignedToken {
  Algorithm algorithm;
  std::string key_name;  // "kid"; may be empty
  std::string_view signed_text;
  Json claims;  // of nobody until check_signature()
  Buffer signature;
};

// Borrows `text`. Refuses every algorithm but ours, and extensions that must be understood.
Result<SignedToken, TokenFault> read_token(std::string_view text);
Checked check_signature(const SignedToken& token, const KeySet& keys);

// "exp" must be there; "iat" where the caller wants it.
enum class IssueTime { Wanted, Welcome };
Checked check_times(const Json& claims, WallTime now, IssueTime issued);

}  // namespace aya::oidc
