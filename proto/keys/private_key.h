// Private keys, one type per role. They erase themselves and neither compare nor print; the text
// form exists for daemon/state and coord-server/store alone.
#pragma once

#include "proto/base/rng.h"
#include "proto/crypto/secret.h"
#include "proto/keys/public_key.h"

namespace aya {

namespace key_text {
crypto::Key32 new_private(Rng& rng);
std::array<std::byte, 32> public_of(const crypto::Key32& secret);
std::string format_private(const crypto::Key32& secret);  // "privkey:<64 hex>"
std::optional<crypto::Key32> parse_private(std::string_view text);
}  // namespace key_text

template <class Role>
class PrivateKey {
 public:
  PrivateKey() = default;  // the zero key, which means "none"
  explicit PrivateKey(crypto::Key32 secret) : secret_(std::move(secret)) {}

  static PrivateKey generate(Rng& rng) { return PrivateKey(key_text::new_private(rng)); }
  PublicKey<Role> public_key() const { return PublicKey<Role>(key_text::public_of(secret_)); }

  const crypto::Key32& secret() const { return secret_; }
  bool is_zero() const { return secret_.is_zero(); }

  static std::optional<PrivateKey> parse_for_storage(std::string_view text) {
    auto secret = key_text::parse_private(text);
    if (!secret) return std::nullopt;
    return PrivateKey(std::move(*secret));
  }
  std::string to_text_for_storage() const { return key_text::format_private(secret_); }

 private:
  crypto::Key32 secret_;
};

using NodePrivateKey = PrivateKey<NodeRole>;
using MachinePrivateKey = PrivateKey<MachineRole>;
using DiscoPrivateKey = PrivateKey<DiscoRole>;
using ChallengePrivateKey = PrivateKey<ChallengeRole>;

}  // namespace aya
