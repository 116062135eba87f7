// Another server that knows people (OpenID Connect): what we are told about it, what it says about
// itself, and the requests and answers of one login: code flow, always with PKCE (interfaces 6.3).
//
// Pure: texts in, texts out. Whoever owns a network connection sends them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/oidc/id_token.h"
#include "proto/base/rng.h"

namespace aya::oidc {

struct Config {
  std::string issuer;  // "https://id.example", as the provider itself writes it
  std::string client_id;
  std::string client_secret;  // empty: a public client
  std::string name;           // on the button; empty: the issuer's host
  std::vector<std::string> scopes = {"openid", "email", "profile"};
  // Who may come; each list that is not empty must let a person through.
  std::vector<std::string> allowed_domains, allowed_groups, allowed_users;
  std::string account;  // whose network new people join; empty: the first
  // Also believe addresses that the provider does not call verified: for one that gives them out
  // itself and does not say so.
  bool unverified_email = false;
};

struct Discovery {
  std::string authorization_endpoint, token_endpoint, jwks_uri;
  std::vector<std::string> token_auth;  // methods the token endpoint takes; empty: not said
};

// Where an issuer says what it is.
std::string discovery_url(std::string_view issuer);
// The error says what is wrong, for the log.
Result<Discovery, std::string> parse_discovery(std::string_view json, const Config& config);
// Of an issuer that signs in nobody, only where its keys are. https, always.
struct KeyLocation {
  std::string url;
};
Result<KeyLocation, std::string> parse_key_location(std::string_view json, std::string_view issuer);

// What one login needs to remember until its answer.
struct Attempt {
  std::string state, nonce, verifier;
  static Attempt make(Rng& rng);
};

std::string authorization_url(
    const Config& config, const Discovery& at, const Attempt& attempt, const std::string& back_to);

struct TokenRequest {
  std::string url;
  std::string authorization;  // a header; may be empty
  std::string body;           // a form
};
TokenRequest token_request(
    const Config& config, const Discovery& at, const Attempt& attempt, const std::string& code,
    const std::string& back_to);

struct Tokens {
  std::string id_token, access_token;
};
Result<Tokens, std::string> parse_tokens(std::string_view json);

// Why this person may not come in; nullopt: may.
std::optional<std::string> refusal_of(const Config& config, const Claims& claims);
// What to call this person here, as far as that is certain: a verified address, or a name.
std::string login_of(const Config& config, const Claims& claims);

}  // namespace aya::oidc
