// The text of keys and tokens (interfaces 1.2): "aykey-auth-<id>-<secret>". The id is public and
// finds the row; of the secret only the SHA-256 is stored. The spelling "tskey-…" of the same id
// and secret is accepted, because tools check for it.
//
// The secret of an OAuth client is written "tskey-client-…": other clients take that prefix for the
// sign that what they were given as auth key is none (interfaces 1.2).
//
// Neither part contains a '-', so a text has one reading and never the "--TL" that clients cut off.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coord-server/store/records.h"
#include "proto/base/rng.h"

namespace aya::enroll {

// Client is the secret of an OAuth client, Token what it is traded for.
enum class CredentialKind { Auth, Api, Client, Token };

struct Credential {
  CredentialKind kind = CredentialKind::Auth;
  std::string public_id;  // "k7Qe…CNTRL"
  std::string secret;     // 256 random bits

  static Credential make(CredentialKind kind, Rng& rng);
  static std::optional<Credential> parse(CredentialKind kind, std::string_view text);
  std::string to_text() const;  // a secret: shown once, never logged

  store::SecretHash hash() const;
  bool matches(const store::SecretHash& stored) const;  // in constant time
};

// Letters and digits, `count` of them, each drawn evenly: identifiers and secrets.
std::string random_text(std::size_t count, Rng& rng);

}  // namespace aya::enroll
