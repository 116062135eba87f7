// How the token endpoint has a token of another issuer looked at. That issuer's keys may have to be
// fetched first: then the caller is answered a while later, and the handler's own answer only says
// that this is so.
#pragma once

#include "coord-server/api/caller.h"
#include "proto/http/message.h"

namespace aya::api {

class TokenExchanger {
 public:
  struct Request {
    std::string client_id;
    std::string token;
    ApiTokens::GrantWish wish;
  };
  virtual ~TokenExchanger() = default;
  // nullopt: later.
  virtual std::optional<http::Response> exchange(Request asked, WallTime now) = 0;
};

}  // namespace aya::api
