#include "coord-server/oidc/id_token.h"

#include <algorithm>

#include "coord-server/oidc/signed_token.h"
#include "proto/base/base64.h"
#include "proto/crypto/sha256.h"

namespace aya::oidc {
namespace {

Checked check_audience(const Json& claims, const std::string& client) {
  const auto audience = texts_at(claims, "aud");
  if (std::ranges::find(audience, client) == audience.end()) return invalid("aud is not us");
  const std::string party = text_at(claims, "azp");
  if (audience.size() > 1 && party.empty()) return invalid("azp is missing");
  if (!party.empty() && party != client) return invalid("azp is not us");
  return {};
}

// The left half of the hash of the access token that came along.
Checked check_hash(const Json& claims, const std::string& access_token) {
  const std::string said = text_at(claims, "at_hash");
  if (said.empty() || access_token.empty()) return {};
  const auto hash = crypto::sha256(as_bytes(access_token));
  if (to_base64url(std::span(hash).first<16>()) != said) return invalid("at_hash does not fit");
  return {};
}

bool flag_at(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return false;
  return found->is_boolean() ? found->get<bool>() : *found == "true";  // some send a text
}

}  // namespace

Result<Claims, TokenFault> verify_id_token(
    std::string_view token, const KeySet& keys, const Expected& expected, WallTime now) {
  auto read = read_token(token);
  if (!read) return read.error();
  if (auto good = check_signature(*read, keys); !good) return good.error();
  const Json& said = read->claims;
  if (text_at(said, "iss") != expected.issuer) return invalid("iss is another");
  if (auto good = check_audience(said, expected.client_id); !good) return good.error();
  if (auto good = check_times(said, now, IssueTime::Wanted); !good) return good.error();
  if (expected.nonce.empty() || text_at(said, "nonce") != expected.nonce) {
    return invalid("nonce is another");
  }
  if (auto good = check_hash(said, expected.access_token); !good) return good.error();
  Claims out;
  out.issuer = expected.issuer;
  out.subject = text_at(said, "sub");
  if (out.subject.empty() || out.subject.size() > 255) return invalid("sub is missing");
  out.email = text_at(said, "email");
  out.email_verified = flag_at(said, "email_verified");
  out.name = text_at(said, "name");
  out.preferred_username = text_at(said, "preferred_username");
  out.groups = texts_at(said, "groups");
  return out;
}

}  // namespace aya::oidc
