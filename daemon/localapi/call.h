// Private to this room's sources: one request on its way through the routes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/localapi/local_api.h"
#include "proto/http/target.h"

namespace aya::localapi {

struct LocalApi::Call {
  ExchangeId exchange;
  const http::Request& request;
  const Caller& caller;
  TimePoint now;
  LocalEffects& out;

  // Empty where the query has no such field.
  std::string query(std::string_view name) const {
    return http::query_value(request.query(), name).value_or("");
  }
  std::string_view body() const { return as_text(request.body); }
};

}  // namespace aya::localapi
