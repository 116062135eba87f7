#include "coord-server/resources/time_range.h"

#include "proto/http/target.h"

namespace aya::resources {
namespace {

using api::Answer;
using api::ApiError;

Answer<WallTime> time_of(const http::Request& request, const char* name) {
  const auto text = http::query_value(request.query(), name);
  if (!text || text->empty()) return ApiError::bad_request(std::string(name) + ": required");
  const auto time = parse_rfc3339(*text);
  if (!time) return ApiError::bad_request(std::string(name) + ": want an RFC 3339 time");
  return *time;
}

}  // namespace

Answer<TimeRange> time_range(const http::Request& request) {
  auto start = time_of(request, "start");
  if (!start) return start.error();
  auto end = time_of(request, "end");
  if (!end) return end.error();
  return TimeRange{*start, *end};
}

}  // namespace aya::resources
