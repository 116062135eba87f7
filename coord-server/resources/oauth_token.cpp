// The token endpoints (interfaces 1.3). POST /api/v2/oauth/token trades the secret of an OAuth
// client (RFC 6749 section 4.4): it comes as Basic or in the form, and it alone says which client
// this is, because nodes that were given one as auth key send any client_id. Its sibling
// token-exchange trades the token by which a federated identity proves itself.
#include "coord-server/api/oauth_answer.h"
#include "coord-server/api/token_exchanger.h"
#include "coord-server/resources/handlers.h"
#include "proto/base/words.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

std::vector<std::string> list_in(std::string_view form, const char* name) {
  const std::string text = http::query_value(form, name).value_or("");
  const auto words = words_in(text);
  return {words.begin(), words.end()};
}

// Inside Basic both halves are form-encoded (RFC 6749, 2.3.1); our secrets have nothing to encode.
std::string secret_of(const http::Request& request, std::string_view form) {
  if (auto shown = presented_credential(request); shown && !shown->password.empty()) {
    return shown->password;
  }
  return http::query_value(form, "client_secret").value_or("");
}

Result<ApiTokens::GrantWish, http::Response> read_wish(std::string_view form) {
  ApiTokens::GrantWish wish;
  wish.scopes = list_in(form, "scope");
  for (std::string& scope : wish.scopes) {
    const std::string known = canonical_scope(scope);
    if (known.empty()) {
      return oauth_refusal(400, "invalid_scope", "scope \"" + scope + "\" is unknown");
    }
    scope = known;
  }
  wish.tags = list_in(form, "tags");
  return wish;
}

}  // namespace

Answer<http::Response> oauth_token(const AdminContext& c) {
  const std::string_view form = as_text(c.request.body);
  const std::string grant = http::query_value(form, "grant_type").value_or("");
  if (!grant.empty() && grant != "client_credentials") {
    return oauth_refusal(400, "unsupported_grant_type", "only client_credentials");
  }
  auto wish = read_wish(form);
  if (!wish) return wish.error();
  return oauth_answer(c.tokens.trade(secret_of(c.request, form), *wish, c.now));
}

// Client libraries send the grant type of another dance along: what is exchanged says which it is.
Answer<http::Response> exchange_token(const AdminContext& c) {
  const std::string_view form = as_text(c.request.body);
  const std::string client = http::query_value(form, "client_id").value_or("");
  const std::string token = http::query_value(form, "jwt").value_or("");
  if (client.empty() || token.empty()) {
    return oauth_refusal(400, "invalid_request", "client_id and jwt are needed");
  }
  auto wish = read_wish(form);
  if (!wish) return wish.error();
  auto answer = c.exchanger.exchange({client, token, std::move(*wish)}, c.now);
  return answer ? std::move(*answer) : http::Response::json(202, "{}");
}

}  // namespace aya::resources
