#include "coord-server/enroll/auth_keys.h"

namespace aya::enroll {

store::Stored<NewAuthKey> AuthKeys::create(
    const AuthKeyWish& wish, WallTime now, const store::AuditEntry& audit) {
  const Credential credential = Credential::make(CredentialKind::Auth, rng_);
  store::AuthKey key;
  key.public_id = credential.public_id;
  key.account = wish.account;
  key.user = wish.user;
  key.secret = credential.hash();
  key.reusable = wish.reusable;
  key.ephemeral = wish.ephemeral;
  key.preauthorized = wish.preauthorized;
  key.tags = wish.tags;
  key.client = wish.client;
  key.ipv4 = wish.ipv4;
  key.description = wish.description;
  key.created = now;
  key.expires = now + (wish.valid_for.count() > 0 ? wish.valid_for : kLongest);
  store::AuditEntry entry = audit;
  entry.target_id = key.public_id;
  auto stored = storage_.create_auth_key(std::move(key), std::move(entry));
  if (!stored) return stored.error();
  return NewAuthKey{std::move(*stored), credential.to_text()};
}

Result<store::AuthKey, KeyRefusal> AuthKeys::check(std::string_view text, WallTime now) {
  const auto credential = Credential::parse(CredentialKind::Auth, text);
  if (!credential) return KeyRefusal{"this is not an auth key of this server; ask for one"};
  auto found = storage_.auth_key(credential->public_id);
  if (!found) return KeyRefusal{"auth key not checked: " + found.error().to_text()};
  // One answer for both, so that nobody can find out which ids exist.
  if (!*found || !credential->matches((*found)->secret)) {
    return KeyRefusal{"unknown auth key; see that it was copied whole, or ask for a new one"};
  }
  store::AuthKey& key = **found;
  if (key.revoked) return KeyRefusal{"the auth key has been revoked; ask for a new one"};
  if (key.expires <= now) {
    return KeyRefusal{"the auth key expired at " + to_rfc3339(key.expires) + "; ask for a new one"};
  }
  if (key.spent()) {
    return KeyRefusal{"the auth key has been used already; ask for a new or a reusable one"};
  }
  return key;
}

}  // namespace aya::enroll
