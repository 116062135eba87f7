// Requests that make something and may have to be sent again, because the answer was lost: one that
// bears the Idempotency-Key of an earlier one gets that one's answer, for a day (interfaces 1.1).
//
// Answers hold secrets, so they stay in memory: after a restart of the server a repeated request is
// a new one. Pure. One thread.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "coord-server/api/api_error.h"

namespace aya::api {

class RepeatedRequests {
 public:
  static constexpr auto kKeptFor = std::chrono::hours(24);
  static constexpr std::size_t kMost = 1000;

  // Who sent what: empty when the request bears no key.
  static std::string name_of(const http::Request& request, const std::string& caller);

  // The answer that this request had before; 409 when the key belongs to another request.
  Answer<const http::Response*> find(
      const std::string& name, const http::Request& request, WallTime now);
  void remember(
      const std::string& name, const http::Request& request, const http::Response& answer,
      WallTime now);

 private:
  struct Kept {
    std::array<std::byte, 32> request;
    http::Response answer;
    WallTime until;
  };
  std::map<std::string, Kept> kept_;
  std::deque<std::string> order_;
};

}  // namespace aya::api
