#include "coord-server/api/api_error.h"

#include "coord-server/api/json.h"

namespace aya::api {

ApiError ApiError::of(const store::StoreError& error) {
  using Kind = store::StoreError::Kind;
  switch (error.kind) {
    case Kind::Taken:
      return {409, error.to_text()};
    case Kind::NotFound:
      return {404, "not found"};
    case Kind::Spent:
      return {409, error.to_text()};
    case Kind::DiskFull:
      return {503, error.to_text()};
    case Kind::Denied:
    case Kind::Damaged:
    case Kind::Failed:
      break;
  }
  return {500, error.to_text()};
}

http::Response ApiError::to_response() const {
  Json body = {{"message", message}, {"status", status}};
  if (!data.empty()) body["data"] = Json::parse(data, nullptr, false);
  http::Response response = http::Response::json(status, text_of(body));
  if (retry_after.count() > 0) {
    response.headers.set("Retry-After", std::to_string(retry_after.count()));
  }
  return response;
}

}  // namespace aya::api
