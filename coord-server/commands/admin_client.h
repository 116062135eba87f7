// The REST API of a running server, over its unix socket or from afar by URL and token: one blocking
// call at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/io/io_error.h"
#include "proto/tls/certificate.h"

namespace aya::coord {

class AdminClient {
 public:
  static constexpr Duration kTimeout = 15s;

  // Where the server is: its socket, or its URL with what lets us in there.
  struct Server {
    std::string socket;
    std::string url = {};  // empty: by the socket
    std::string token = {};
    std::optional<tls::Sha256> pin = {};  // the only certificate it may show
  };
  // `account`: whose data is meant; empty: the first account, and of a token its own.
  AdminClient(Server server, std::string account)
      : server_(std::move(server)), account_(std::move(account)) {}

  struct Reply {
    std::string body;     // JSON
    std::string warning;  // the server did it, but
    std::string etag;     // names the state that the body shows; empty: it has no name
  };
  struct Terms {
    std::string body_type = "application/json";
    std::string if_match;  // do it only if this still is the state; empty: in any
    Duration timeout = kTimeout;
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
  // What went wrong, and what to do.
  const std::string& place() const { return server_.url.empty() ? server_.socket : server_.url; }
  Failure no_answer(const io::IoError& why) const;

  Server server_;
  std::string account_;
};

}  // namespace aya::coord
