// How a request to Amazon's services, and to those that speak like them, proves who it is from:
// Signature Version 4. Pure.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/bytes.h"
#include "proto/base/time.h"
#include "proto/http/headers.h"

namespace aya::log_streams {

struct AwsKey {
  std::string id, secret;
};

struct AwsRequest {
  std::string method;
  std::string target;     // path and query as they are sent, percent-encoded
  http::Headers headers;  // those that are signed: Host and X-Amz-Date must be among them
  std::string body_hash;  // aws_hash()
};

std::string aws_hash(Bytes body);
std::string aws_date(WallTime now);  // for X-Amz-Date: "20130524T000000Z"

// For the Authorization header.
std::string aws_authorization(
    const AwsRequest& request, const AwsKey& key, std::string_view region,
    std::string_view service);

}  // namespace aya::log_streams
