#include "coord-server/api/oauth_answer.h"

#include "coord-server/api/json.h"

namespace aya::api {
namespace {

using Kind = ApiTokens::TradeRefusal::Kind;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

http::Response refused(const ApiTokens::TradeRefusal& refusal) {
  switch (refusal.kind) {
    case Kind::UnknownClient:
      return oauth_refusal(401, "invalid_client", refusal.what);
    case Kind::TooWide:
      return oauth_refusal(400, "invalid_scope", refusal.what);
    case Kind::BadToken:
      return oauth_refusal(400, "invalid_grant", refusal.what);
    case Kind::NotNow: {
      http::Response later = oauth_refusal(503, "temporarily_unavailable", refusal.what);
      later.headers.set("Retry-After", "10");
      return later;
    }
    case Kind::Failed:
      break;
  }
  return ApiError{503, refusal.what}.to_response();
}

}  // namespace

http::Response oauth_refusal(int status, const std::string& error, const std::string& why) {
  return http::Response::json(status, text_of({{"error", error}, {"error_description", why}}));
}

http::Response oauth_answer(const Result<ApiTokens::NewAccess, ApiTokens::TradeRefusal>& access) {
  if (!access) return refused(access.error());
  return http::Response::json(
      200, text_of(
               {{"access_token", access->text},
                {"token_type", "Bearer"},
                {"expires_in", ApiTokens::kAccessFor.count()},
                {"scope", joined(access->token.scopes)}}));
}

}  // namespace aya::api
