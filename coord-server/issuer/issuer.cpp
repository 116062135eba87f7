#include "coord-server/issuer/issuer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "proto/base/base64.h"
#include "proto/base/hex.h"

namespace aya::issuer {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kStoredKeys = "id_token_keys";
constexpr std::string_view kDescription = "/.well-known/openid-configuration";
constexpr std::string_view kKeySet = "/.well-known/jwks.json";

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

store::StoreError damaged() {
  return {store::StoreError::Kind::Damaged, "the keys that sign tokens are unreadable"};
}

}  // namespace

bool Issuer::owns(std::string_view path) { return path == kDescription || path == kKeySet; }

store::Stored<void> Issuer::load() {
  auto stored = storage_.server_value(kStoredKeys);
  if (!stored) return stored.error();
  if (*stored) {
    const Json list = Json::parse(**stored, nullptr, false);
    if (!list.is_array()) return damaged();
    for (const Json& entry : list) {
      if (!entry.is_object()) return damaged();
      const auto made = parse_rfc3339(entry.value("made", ""));
      auto key = SigningKey::parse_for_storage(entry.value("key", ""));
      if (!made || !key) return damaged();
      keys_.push_back({*made, std::move(*key)});
    }
  }
  loaded_ = true;
  return {};
}

store::Stored<void> Issuer::keep_keys(WallTime now) {
  if (!loaded_) {
    keys_.clear();
    if (auto loaded = load(); !loaded) return loaded;
  }
  std::vector<Key> kept = keys_;
  if (kept.empty() || kept.back().made + kKeySigns <= now) {
    kept.push_back({now, SigningKey::generate()});
  }
  // The one before signs for as long as its successor is only published, and then is published
  // itself for as long again.
  while (kept.size() > 1 && kept[1].made + 2 * kPublished <= now) kept.erase(kept.begin());
  if (kept.size() == keys_.size() && kept.back().made == keys_.back().made) return {};
  Json list = Json::array();
  for (const Key& key : kept) {
    list.push_back({{"made", to_rfc3339(key.made)}, {"key", key.key.to_text_for_storage()}});
  }
  auto stored = storage_.set_server_value(kStoredKeys, text_of(list));
  if (!stored) return stored;
  keys_ = std::move(kept);
  return {};
}

// The newest that everybody can know by now; the first of all has nobody to wait for.
const SigningKey& Issuer::current(WallTime now) const {
  for (auto key = keys_.rbegin(); key != keys_.rend(); ++key) {
    if (key->made + kPublished <= now) return key->key;
  }
  return keys_.front().key;
}

store::Stored<std::string> Issuer::token(
    const nodes::Node& node, std::string_view audience, WallTime now) {
  if (auto kept = keep_keys(now); !kept) return kept.error();
  const nodes::NodeRecord& record = node.record;
  const std::int64_t at = seconds_of(now);
  Json claims = {
      {"iss", origin_},
      {"sub", record.stable_id},
      {"aud", audience},
      {"iat", at},
      {"nbf", at},
      {"exp", at + std::chrono::seconds(kTokenLasts).count()},
      {"jti", to_hex(rng_.array<16>())},
      {"key", record.node_key.to_text()},
      {"addresses", {record.ipv4.to_text() + "/32", record.ipv6.to_text() + "/128"}},
      {"nid", record.id.value},
      {"node", registry_.full_name(node)},
      {"domain", registry_.account(record.account)->domain}};
  if (record.tags.empty()) {
    const store::User* user = registry_.user(record.user);
    claims["user"] = user == nullptr ? "" : user->login;
    claims["uid"] = record.user.value;
  } else {
    claims["tags"] = record.tags;
  }
  const SigningKey& key = current(now);
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key.name()}};
  const std::string text = to_base64url(as_bytes(text_of(header))) + '.' +
                           to_base64url(as_bytes(text_of(claims)));
  return text + '.' + to_base64url(key.sign(as_bytes(text)));
}

std::string Issuer::description() const {
  return text_of(
      {{"issuer", origin_},
       {"jwks_uri", origin_ + std::string(kKeySet)},
       {"response_types_supported", {"id_token"}},
       {"subject_types_supported", {"public"}},
       {"scopes_supported", {"openid"}},
       {"id_token_signing_alg_values_supported", {"RS256"}},
       {"claims_supported",
        {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "key", "addresses", "nid", "node",
         "domain", "tags", "user", "uid"}}});
}

std::string Issuer::key_set() const {
  Json keys = Json::array();
  for (const Key& key : keys_) {
    keys.push_back(
        {{"kty", "RSA"},
         {"use", "sig"},
         {"alg", "RS256"},
         {"kid", key.key.name()},
         {"n", key.key.modulus()},
         {"e", key.key.exponent()}});
  }
  return text_of({{"keys", keys}});
}

http::Response Issuer::answer(const http::Request& request, WallTime now) {
  if (request.method != "GET" && request.method != "HEAD") {
    return http::Response::text(405, "use GET\n");
  }
  if (auto kept = keep_keys(now); !kept) return http::Response::text(503, "try again\n");
  http::Response response =
      http::Response::json(200, request.path() == kKeySet ? key_set() : description());
  // Much shorter than a key is published before it signs.
  response.headers.set("Cache-Control", "public, max-age=3600");
  response.headers.set("Access-Control-Allow-Origin", "*");
  return response;
}

}  // namespace aya::issuer
