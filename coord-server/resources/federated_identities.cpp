#include "coord-server/resources/federated_identities.h"

#include <algorithm>

#include "proto/http/target.h"

namespace aya::resources {
namespace {

constexpr std::size_t kLongest = 500;
constexpr std::size_t kMostRules = 32;

// One line of text, so that it can be read where it is kept and logged.
Answer<void> check_text(const std::string& what, const std::string& text) {
  if (text.empty()) return ApiError::bad_request(what + ": must not be empty");
  if (text.size() > kLongest) {
    return ApiError::bad_request(what + ": at most " + std::to_string(kLongest) + " bytes");
  }
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, is_control)) {
    return ApiError::bad_request(what + ": control characters are not allowed");
  }
  return {};
}

Answer<std::string> read_issuer(const Json& body) {
  auto issuer = text_field(body, "issuer");
  if (!issuer) return issuer;
  if (auto good = check_text("issuer", *issuer); !good) return good.error();
  const auto url = http::Url::parse(*issuer);
  // OpenID Connect Discovery 1.0, section 2: what the documents' addresses are made of.
  if (!url || !url->tls || issuer->find_first_of("?#") != std::string::npos) {
    return ApiError::bad_request("issuer: want an https URL without a query");
  }
  return issuer;
}

Answer<std::map<std::string, std::string>> read_rules(const Json& body) {
  auto sent = object_field(body, "customClaimRules");
  if (!sent) return sent.error();
  if (sent->size() > kMostRules) {
    return ApiError::bad_request(
        "customClaimRules: at most " + std::to_string(kMostRules) + " rules");
  }
  std::map<std::string, std::string> out;
  for (const auto& [name, pattern] : sent->items()) {
    const std::string what = "customClaimRules: " + in_quotes(name);
    if (auto good = check_text("customClaimRules: the name of a claim", name); !good) {
      return good.error();
    }
    if (!pattern.is_string()) return ApiError::bad_request(what + ": want a string");
    if (auto good = check_text(what, pattern.get_ref<const std::string&>()); !good) {
      return good.error();
    }
    out.emplace(name, pattern.get<std::string>());
  }
  return out;
}

}  // namespace

Answer<store::Federation> read_federation(
    const Json& body, const store::Account& account, const std::string& public_id) {
  auto issuer = read_issuer(body);
  if (!issuer) return issuer.error();
  auto subject = text_field(body, "subject");
  if (!subject) return subject.error();
  if (auto good = check_text("subject", *subject); !good) return good.error();
  auto audience = text_field(body, "audience");
  if (!audience) return audience.error();
  // Of this network and of this identity alone: a token that was made for another opens nothing.
  if (audience->empty()) *audience = "api." + account.domain + '/' + public_id;
  if (auto good = check_text("audience", *audience); !good) return good.error();
  auto rules = read_rules(body);
  if (!rules) return rules.error();
  return store::Federation{
      std::move(*issuer), std::move(*subject), std::move(*audience), std::move(*rules)};
}

void show_federation(const store::Federation& federation, Json& key) {
  key["issuer"] = federation.issuer;
  key["subject"] = federation.subject;
  key["audience"] = federation.audience;
  key["customClaimRules"] = Json::object();
  for (const auto& [name, pattern] : federation.claims) key["customClaimRules"][name] = pattern;
}

}  // namespace aya::resources
