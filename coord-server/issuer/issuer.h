// Tokens by which nodes prove to others who they are (control 4.2): a JSON web token, signed by a
// key of this server, that says which node asked for it and for whom. Whoever gets one looks up the
// public keys under the server's own URL (OpenID Connect Discovery).
//
// A key signs for three months. Its successor is published a day before it signs, and the key stays
// published for a day after: whoever fetches the set once a day has always had the right one.
//
// Keys are kept by the store and made when they are first needed. One thread.
#pragma once

#include <vector>

#include "coord-server/issuer/signing_key.h"
#include "coord-server/nodes/registry.h"
#include "proto/base/rng.h"
#include "proto/http/message.h"

namespace aya::issuer {

class Issuer {
 public:
  static constexpr auto kTokenLasts = std::chrono::minutes(5);
  static constexpr auto kKeySigns = std::chrono::days(90);
  static constexpr auto kPublished = std::chrono::days(1);  // before it signs, and after
  static constexpr std::size_t kLongestAudience = 512;

  // `origin` is what tokens name as their issuer, "https://coord.example". All outlive this.
  Issuer(const nodes::Registry& registry, store::Store& storage, Rng& rng, std::string origin)
      : registry_(registry), storage_(storage), rng_(rng), origin_(std::move(origin)) {}

  store::Stored<std::string> token(
      const nodes::Node& node, std::string_view audience, WallTime now);

  // What anybody may read: the description of this issuer, and its keys.
  static bool owns(std::string_view path);
  http::Response answer(const http::Request& request, WallTime now);

 private:
  struct Key {
    WallTime made{};
    SigningKey key;
  };
  // Loads, makes and drops keys as is due; afterwards there is one.
  store::Stored<void> keep_keys(WallTime now);
  store::Stored<void> load();
  const SigningKey& current(WallTime now) const;
  std::string description() const;
  std::string key_set() const;

  const nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
  std::string origin_;
  bool loaded_ = false;
  std::vector<Key> keys_;  // oldest first
};

}  // namespace aya::issuer
