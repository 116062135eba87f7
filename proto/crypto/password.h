// Passwords as argon2id (libsodium's crypto_pwhash_str): slow and large on purpose, so callers do
// this on a thread of its own. Any thread.
#pragma once

#include <optional>
#include <string>

namespace aya::crypto {

// The text to keep, salt and cost included. nullopt: no memory for it just now.
std::optional<std::string> hash_password(const std::string& password);
bool password_matches(const std::string& password, const std::string& hash);
// Made with another cost than today's.
bool is_outdated_hash(const std::string& hash);
// As costly to check as any, and matched by nothing: for people who do not exist.
const std::string& nobodys_hash();

}  // namespace aya::crypto
