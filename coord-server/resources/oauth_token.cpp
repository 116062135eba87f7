// POST /api/v2/oauth/token: the secret of an OAuth client is traded for a token (interfaces 1.3,
// RFC 6749 section 4.4). The secret comes as Basic or in the form, and it alone says which client
// this is: nodes that were given one as auth key send any client_id.
#include <sstream>

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

http::Response refused(int status, const std::string& error, const std::string& why) {
  return http::Response::json(status, text_of({{"error", error}, {"error_description", why}}));
}

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// Inside Basic both halves are form-encoded (RFC 6749, 2.3.1); our secrets have nothing to encode.
std::string secret_of(const http::Request& request, std::string_view form) {
  if (auto shown = presented_credential(request); shown && !shown->password.empty()) {
    return shown->password;
  }
  return http::query_value(form, "client_secret").value_or("");
}

}  // namespace

Answer<http::Response> oauth_token(const AdminContext& c) {
  const std::string_view form = as_text(c.request.body);
  const std::string grant = http::query_value(form, "grant_type").value_or("");
  if (!grant.empty() && grant != "client_credentials") {
    return refused(400, "unsupported_grant_type", "only client_credentials");
  }
  std::vector<std::string> scopes = words_in(http::query_value(form, "scope").value_or(""));
  for (std::string& scope : scopes) {
    const std::string known = canonical_scope(scope);
    if (known.empty()) return refused(400, "invalid_scope", "scope \"" + scope + "\" is unknown");
    scope = known;
  }
  const auto tags = words_in(http::query_value(form, "tags").value_or(""));
  auto access = c.tokens.trade(secret_of(c.request, form), scopes, tags, c.now);
  if (access) {
    return http::Response::json(
        200, text_of(
                 {{"access_token", access->text},
                  {"token_type", "Bearer"},
                  {"expires_in", ApiTokens::kAccessFor.count()},
                  {"scope", joined(access->token.scopes)}}));
  }
  using Kind = ApiTokens::TradeRefusal::Kind;
  switch (access.error().kind) {
    case Kind::UnknownClient:
      return refused(401, "invalid_client", access.error().what);
    case Kind::TooWide:
      return refused(400, "invalid_scope", access.error().what);
    case Kind::Failed:
      break;
  }
  return ApiError{503, access.error().what};
}

}  // namespace aya::resources
