// Answers of the token endpoints, in the form of OAuth instead of the API's own (RFC 6749, 5.1 and
// 5.2).
#pragma once

#include "coord-server/api/caller.h"
#include "proto/http/message.h"

namespace aya::api {

http::Response oauth_refusal(int status, const std::string& error, const std::string& why);
http::Response oauth_answer(const Result<ApiTokens::NewAccess, ApiTokens::TradeRefusal>& access);

}  // namespace aya::api
