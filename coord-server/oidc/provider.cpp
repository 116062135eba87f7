#include "coord-server/oidc/provider.h"

#include <algorithm>
#include <cctype>

#include "coord-server/oidc/strict_json.h"
#include "proto/base/base64.h"
#include "proto/crypto/sha256.h"
#include "proto/http/target.h"

namespace aya::oidc {
namespace {

constexpr std::size_t kLongestLogin = 64;

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool contains_lower(const std::vector<std::string>& list, const std::string& wanted) {
  return std::ranges::any_of(
      list, [&](const std::string& each) { return lower(each) == lower(wanted); });
}

std::string field(std::string_view name, std::string_view value) {
  return std::string(name) + '=' + http::percent_encode(value);
}

// A test provider on this machine may do without TLS; anything else would hand out the codes.
bool is_safe_url(const std::string& text) {
  const auto url = http::Url::parse(text);
  return url &&
         (url->tls || url->host == "127.0.0.1" || url->host == "localhost" || url->host == "::1");
}

std::string domain_of(const std::string& email) {
  const std::size_t at = email.rfind('@');
  return at == std::string::npos ? std::string() : lower(email.substr(at + 1));
}

std::string certain_email(const Config& config, const Claims& claims) {
  return claims.email_verified || config.unverified_email ? claims.email : "";
}

}  // namespace

std::string discovery_url(std::string_view issuer) {
  const bool slash = issuer.ends_with('/');
  return std::string(issuer) + (slash ? "" : "/") + ".well-known/openid-configuration";
}

Result<Discovery, std::string> parse_discovery(std::string_view json, const Config& config) {
  const auto document = parse_object(json, kLongestDocument);
  if (!document) return std::string("its configuration is not readable");
  const std::string issuer = text_at(*document, "issuer");
  if (issuer != config.issuer) {
    return "it calls itself \"" + issuer + "\"; write that as oidc_issuer if it is right";
  }
  Discovery out;
  out.authorization_endpoint = text_at(*document, "authorization_endpoint");
  out.token_endpoint = text_at(*document, "token_endpoint");
  out.jwks_uri = text_at(*document, "jwks_uri");
  out.token_auth = texts_at(*document, "token_endpoint_auth_methods_supported");
  for (const std::string* url : {&out.authorization_endpoint, &out.token_endpoint, &out.jwks_uri}) {
    if (!is_safe_url(*url)) return "it names \"" + *url + "\", which is not an https URL";
  }
  return out;
}

Result<KeyLocation, std::string> parse_key_location(
    std::string_view json, std::string_view issuer) {
  const auto document = parse_object(json, kLongestDocument);
  if (!document) return std::string("its configuration is not readable");
  const std::string named = text_at(*document, "issuer");
  if (named != issuer) return "it calls itself \"" + named + '"';
  std::string keys = text_at(*document, "jwks_uri");
  const auto url = http::Url::parse(keys);
  if (!url || !url->tls) return "it names \"" + keys + "\", which is not an https URL";
  return KeyLocation{std::move(keys)};
}

Attempt Attempt::make(Rng& rng) {
  const auto token = [&] { return to_base64url(rng.array<32>()); };
  return {token(), token(), token()};
}

std::string authorization_url(
    const Config& config, const Discovery& at, const Attempt& attempt, const std::string& back_to) {
  std::string scopes;
  for (const std::string& scope : config.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  const bool has_query = at.authorization_endpoint.find('?') != std::string::npos;
  return at.authorization_endpoint + (has_query ? '&' : '?') + "response_type=code&" +
         field("client_id", config.client_id) + '&' + field("redirect_uri", back_to) + '&' +
         field("scope", scopes) + '&' + field("state", attempt.state) + '&' +
         field("nonce", attempt.nonce) + '&' +
         field("code_challenge", to_base64url(crypto::sha256(as_bytes(attempt.verifier)))) +
         "&code_challenge_method=S256";
}

TokenRequest token_request(
    const Config& config, const Discovery& at, const Attempt& attempt, const std::string& code,
    const std::string& back_to) {
  TokenRequest out;
  out.url = at.token_endpoint;
  out.body = "grant_type=authorization_code&" + field("code", code) + '&' +
             field("redirect_uri", back_to) + '&' + field("code_verifier", attempt.verifier);
  const bool basic = at.token_auth.empty() || contains(at.token_auth, "client_secret_basic");
  if (!config.client_secret.empty() && basic) {
    const std::string pair =
        http::percent_encode(config.client_id) + ':' + http::percent_encode(config.client_secret);
    out.authorization = "Basic " + to_base64(as_bytes(pair));
    return out;
  }
  out.body += '&' + field("client_id", config.client_id);
  if (!config.client_secret.empty()) out.body += '&' + field("client_secret", config.client_secret);
  return out;
}

Result<Tokens, std::string> parse_tokens(std::string_view json) {
  const auto document = parse_object(json, kLongestDocument);
  if (!document) return std::string("its answer is not readable");
  if (const std::string error = text_at(*document, "error"); !error.empty()) {
    return "it refused: " + error + ' ' + text_at(*document, "error_description");
  }
  Tokens out{text_at(*document, "id_token"), text_at(*document, "access_token")};
  if (out.id_token.empty()) return std::string("its answer has no id_token");
  return out;
}

std::optional<std::string> refusal_of(const Config& config, const Claims& claims) {
  const std::string email = certain_email(config, claims);
  const bool asks = !config.allowed_domains.empty() || !config.allowed_users.empty();
  if (asks && email.empty() && !claims.email.empty()) {
    return "the other server does not say that it has verified your e-mail address";
  }
  if (!config.allowed_domains.empty() &&
      !contains_lower(config.allowed_domains, domain_of(email))) {
    return "the domain of the e-mail address is not one of those that may come";
  }
  if (!config.allowed_users.empty() && !contains_lower(config.allowed_users, email)) {
    return "the e-mail address is not one of those that may come";
  }
  const bool in_group = std::ranges::any_of(claims.groups, [&](const std::string& group) {
    return contains(config.allowed_groups, group);
  });
  if (!config.allowed_groups.empty() && !in_group) return "not in a group that may come";
  return std::nullopt;
}

std::string login_of(const Config& config, const Claims& claims) {
  std::string login = certain_email(config, claims);
  if (login.empty()) login = claims.preferred_username;
  if (login.empty()) login = claims.subject;
  std::erase_if(login, [](unsigned char c) {
    const bool plain = c < 0x80 && std::isalnum(c);
    return !plain && std::string_view("._-@+").find(static_cast<char>(c)) == std::string_view::npos;
  });
  return login.substr(0, kLongestLogin);
}

}  // namespace aya::oidc
