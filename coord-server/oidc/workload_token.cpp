#include "coord-server/oidc/workload_token.h"

#include <algorithm>

#include "coord-server/oidc/signed_token.h"

namespace aya::oidc {

// Remembers the last star, and lets it take one more character whenever what follows does not fit:
// an earlier star never has to be tried again.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, read = 0;
  std::size_t star = std::string_view::npos, taken = 0;
  while (read < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = read;
    } else if (at < pattern.size() && pattern[at] == text[read]) {
      ++at;
      ++read;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      read = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

struct WorkloadToken::Parts {
  SignedToken token;
};

WorkloadToken::WorkloadToken(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
WorkloadToken::~WorkloadToken() = default;
WorkloadToken::WorkloadToken(WorkloadToken&&) noexcept = default;
WorkloadToken& WorkloadToken::operator=(WorkloadToken&&) noexcept = default;

Result<WorkloadToken, TokenFault> WorkloadToken::read(
    std::string_view text, const WorkloadRules& rules, WallTime now) {
  auto token = read_token(text);
  if (!token) return token.error();
  if (text_at(token->claims, "iss") != rules.issuer) return invalid("iss is another");
  const auto audience = texts_at(token->claims, "aud");
  if (std::ranges::find(audience, rules.audience) == audience.end()) {
    return invalid("aud is another");
  }
  if (auto good = check_times(token->claims, now, IssueTime::Welcome); !good) return good.error();
  return WorkloadToken(std::make_unique<Parts>(Parts{std::move(*token)}));
}

Result<void, TokenFault> WorkloadToken::verify(
    const KeySet& keys, const WorkloadRules& rules) const {
  if (auto good = check_signature(parts_->token, keys); !good) return good;
  const Json& said = parts_->token.claims;
  const std::string subject = text_at(said, "sub");
  if (subject.empty() || !matches_pattern(rules.subject, subject)) {
    return invalid("sub does not match");
  }
  for (const auto& [name, pattern] : rules.claims) {
    const auto values = texts_at(said, name.c_str());
    const bool fits = std::ranges::any_of(values, [&pattern = pattern](const std::string& value) {
      return matches_pattern(pattern, value);
    });
    if (!fits) return invalid(name + " does not match");
  }
  return {};
}

}  // namespace aya::oidc
