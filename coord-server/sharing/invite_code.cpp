#include "coord-server/sharing/invite_code.h"

#include <algorithm>

#include "proto/base/hex.h"
#include "proto/crypto/blake2s.h"

namespace aya::sharing {

constexpr std::size_t kCodeLength = 32;

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
  const bool good = pasted.size() == kCodeLength && std::ranges::all_of(pasted, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!good) return std::nullopt;
  return std::string(pasted);
}

}  // namespace aya::sharing
