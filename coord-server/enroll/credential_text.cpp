#include "coord-server/enroll/credential_text.h"

#include <sodium.h>

#include <algorithm>

#include "proto/crypto/secret.h"

namespace aya::enroll {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kIdLength = 11;
constexpr std::size_t kSecretLength = 43;  // 43 of 62 symbols hold 256 bits

std::string_view word_of(CredentialKind kind) {
  switch (kind) {
    case CredentialKind::Auth:
      return "auth-";
    case CredentialKind::Api:
      return "api-";
    case CredentialKind::Client:
      return "client-";
    case CredentialKind::Token:
      break;
  }
  return "token-";
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kAlphabet.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string random_text(std::size_t count, Rng& rng) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += kAlphabet[rng.below(kAlphabet.size())];
  return text;
}

Credential Credential::make(CredentialKind kind, Rng& rng) {
  return {kind, "k" + random_text(kIdLength, rng) + "CNTRL", random_text(kSecretLength, rng)};
}

std::optional<Credential> Credential::parse(CredentialKind kind, std::string_view text) {
  if (!take_prefix(text, "aykey-") && !take_prefix(text, "tskey-")) return std::nullopt;
  if (!take_prefix(text, word_of(kind))) return std::nullopt;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view id = text.substr(0, dash);
  const std::string_view secret = text.substr(dash + 1);
  if (!is_plain(id) || !is_plain(secret) || text.size() > 200) return std::nullopt;
  return Credential{kind, std::string(id), std::string(secret)};
}

std::string Credential::to_text() const {
  const char* const prefix = kind == CredentialKind::Client ? "tskey-" : "aykey-";
  return prefix + std::string(word_of(kind)) + public_id + '-' + secret;
}

store::SecretHash Credential::hash() const {
  store::SecretHash out{};
  const Bytes bytes = as_bytes(secret);
  crypto_hash_sha256(uchars(MutableBytes(out)), uchars(bytes), bytes.size());
  return out;
}

bool Credential::matches(const store::SecretHash& stored) const {
  return crypto::equal_in_constant_time(hash(), stored);
}

}  // namespace aya::enroll
