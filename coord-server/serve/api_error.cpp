#include "coord-server/serve/api_error.h"

#include "coord-server/serve/json.h"

namespace aya::serve {

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
  return http::Response::json(status, text_of({{"message", message}, {"status", status}}));
}

}  // namespace aya::serve
