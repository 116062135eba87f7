#include "coord-server/oidc/id_token.h"

#include <algorithm>

#include "coord-server/oidc/strict_json.h"
#include "proto/base/base64.h"
#include "proto/crypto/sha256.h"

namespace aya::oidc {
namespace {

using Checked = Result<void, TokenFault>;

TokenFault invalid(std::string detail) { return {TokenFault::Kind::Invalid, std::move(detail)}; }

struct Parts {
  std::string_view signed_text;
  Json header, payload;
  Buffer signature;
};

std::optional<Json> object_of(std::string_view part) {
  const auto decoded = parse_base64url(part);
  return decoded ? parse_object(as_text(*decoded), kLongestToken) : std::nullopt;
}

Result<Parts, TokenFault> taken_apart(std::string_view token) {
  if (token.size() > kLongestToken) return invalid("too long");
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return invalid("not three parts");
  }
  auto header = object_of(token.substr(0, first));
  auto payload = object_of(token.substr(first + 1, second - first - 1));
  auto signature = parse_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return invalid("unreadable");
  return Parts{
      token.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

Checked check_signature(const Parts& parts, const KeySet& keys) {
  const auto algorithm = algorithm_named(text_at(parts.header, "alg"));
  if (!algorithm) return invalid("alg " + text_at(parts.header, "alg") + " is not accepted");
  if (parts.header.contains("crit")) return invalid("crit is not understood");
  const std::string name = text_at(parts.header, "kid");
  bool known = false;
  for (const Key& key : keys) {
    if (!key.fits(*algorithm) || (!name.empty() && key.name() != name)) continue;
    known = true;
    if (key.verify(*algorithm, as_bytes(parts.signed_text), parts.signature)) return {};
  }
  if (!known) return TokenFault{TokenFault::Kind::UnknownKey, "no key \"" + name + "\""};
  return invalid("wrong signature");
}

std::optional<WallTime> time_at(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds > 0) || seconds > 4e9) return std::nullopt;
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

Checked check_times(const Json& claims, WallTime now) {
  const auto expires = time_at(claims, "exp");
  if (!expires) return invalid("exp is missing");
  if (*expires + kClockSkew <= now) return invalid("expired");
  const auto issued = time_at(claims, "iat");
  if (!issued) return invalid("iat is missing");
  if (*issued - kClockSkew > now) return invalid("issued in the future; look at both clocks");
  const auto not_before = time_at(claims, "nbf");
  if (not_before && *not_before - kClockSkew > now) return invalid("not valid yet");
  return {};
}

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
  auto parts = taken_apart(token);
  if (!parts) return parts.error();
  if (auto good = check_signature(*parts, keys); !good) return good.error();
  const Json& said = parts->payload;
  if (text_at(said, "iss") != expected.issuer) return invalid("iss is another");
  if (auto good = check_audience(said, expected.client_id); !good) return good.error();
  if (auto good = check_times(said, now); !good) return good.error();
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
