// The REST API of a running server over its unix socket: one blocking call at a time.
#pragma once

#include <string>
#include <string_view>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::coord {

class AdminClient {
 public:
  static constexpr Duration kTimeout = 15s;

  // `account`: whose data is meant; empty: the first account.
  AdminClient(std::string socket, std::string account)
      : socket_(std::move(socket)), account_(std::move(account)) {}

  struct Reply {
    std::string body;     // JSON
    std::string warning;  // the server did it, but
    std::string etag;     // names the state that the body shows; empty: it has no name
  };
  struct Terms {
    std::string body_type = "application/json";
    std::string if_match;  // do it only if this still is the state; empty: in any
  };
  // `target`: below /api/v2, without a query.
  Result<Reply, Failure> call(
      std::string_view method, std::string_view target, std::string_view body = "",
      std::string_view query = "") const {
    return call(method, target, body, query, Terms{});
  }
  Result<Reply, Failure> call(
      std::string_view method, std::string_view target, std::string_view body,
      std::string_view query, const Terms& terms) const;

 private:
  std::string socket_;
  std::string account_;
};

}  // namespace aya::coord
