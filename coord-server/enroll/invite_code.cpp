#include "coord-server/enroll/invite_code.h"

#include <algorithm>

#include "proto/base/hex.h"
#include "proto/crypto/blake2s.h"

namespace aya::enroll {

namespace {
constexpr std::size_t kInviteCodeLength = 32;
}  // namespace

store::Stored<store::SecretHash> load_invite_secret(
    store::Store& storage, std::string_view name, Rng& rng) {
  auto known = storage.server_value(name);
  if (!known) return known.error();
  store::SecretHash secret{};
  if (*known) {
    if (parse_hex_into(**known, secret)) return secret;
    return store::StoreError{
        store::StoreError::Kind::Damaged, "unreadable " + std::string(name)};
  }
  secret = rng.array<32>();
  if (auto kept = storage.set_server_value(name, to_hex(secret)); !kept) return kept.error();
  return secret;
}

std::string invite_code(const store::SecretHash& secret, const store::SecretHash& nonce) {
  return to_hex(crypto::blake2s_mac16(secret, {nonce}));
}

std::optional<std::string> code_in(std::string_view pasted) {
  while (!pasted.empty() &&
         (pasted.back() == '/' || pasted.back() == ' ' || pasted.back() == '\n')) {
    pasted.remove_suffix(1);
  }
  if (const std::size_t slash = pasted.rfind('/'); slash != std::string_view::npos) {
    pasted.remove_prefix(slash + 1);
  }
  while (pasted.starts_with(' ')) pasted.remove_prefix(1);
  const bool good = pasted.size() == kInviteCodeLength && std::ranges::all_of(pasted, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!good) return std::nullopt;
  return std::string(pasted);
}

}  // namespace aya::enroll
