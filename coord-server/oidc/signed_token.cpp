#include "coord-server/oidc/signed_token.h"

#include "proto/base/base64.h"

namespace aya::oidc {
namespace {

std::optional<Json> object_of(std::string_view part) {
  const auto decoded = parse_base64url(part);
  return decoded ? parse_object(as_text(*decoded), kLongestToken) : std::nullopt;
}

std::optional<WallTime> time_at(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds > 0) || seconds > 4e9) return std::nullopt;
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

}  // namespace

TokenFault invalid(std::string detail) { return {TokenFault::Kind::Invalid, std::move(detail)}; }

Result<SignedToken, TokenFault> read_token(std::string_view text) {
  if (text.size() > kLongestToken) return invalid("too long");
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return invalid("not three parts");
  }
  auto header = object_of(text.substr(0, first));
  auto claims = object_of(text.substr(first + 1, second - first - 1));
  auto signature = parse_base64url(text.substr(second + 1));
  if (!header || !claims || !signature) return invalid("unreadable");
  const auto algorithm = algorithm_named(text_at(*header, "alg"));
  if (!algorithm) return invalid("alg " + text_at(*header, "alg") + " is not accepted");
  if (header->contains("crit")) return invalid("crit is not understood");
  return SignedToken{
      *algorithm, text_at(*header, "kid"), text.substr(0, second), std::move(*claims),
      std::move(*signature)};
}

Checked check_signature(const SignedToken& token, const KeySet& keys) {
  bool known = false;
  for (const Key& key : keys) {
    const bool named = token.key_name.empty() || key.name() == token.key_name;
    if (!named || !key.fits(token.algorithm)) continue;
    known = true;
    if (key.verify(token.algorithm, as_bytes(token.signed_text), token.signature)) return {};
  }
  // One that names no key may be by a new one, whatever else is in the set.
  if (known && !token.key_name.empty()) return invalid("wrong signature");
  return TokenFault{TokenFault::Kind::UnknownKey, "no key \"" + token.key_name + "\""};
}

Checked check_times(const Json& claims, WallTime now, IssueTime issued) {
  const auto expires = time_at(claims, "exp");
  if (!expires) return invalid("exp is missing");
  if (*expires + kClockSkew <= now) return invalid("expired");
  const auto began = time_at(claims, "iat");
  if (!began && (issued == IssueTime::Wanted || claims.contains("iat"))) {
    return invalid("iat is missing");
  }
  if (began && *began - kClockSkew > now) {
    return invalid("issued in the future; look at both clocks");
  }
  const auto not_before = time_at(claims, "nbf");
  if (not_before && *not_before - kClockSkew > now) return invalid("not valid yet");
  return {};
}

}  // namespace aya::oidc
