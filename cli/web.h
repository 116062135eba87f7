// One request to another server, as a command makes it: it waits for the answer.
#pragma once

#include <string>

#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/http/message.h"

namespace aya::cli {

struct WebRequest {
  std::string method = "GET";
  std::string url;
  http::Headers headers;
  std::string body;
  std::string certificate_pin;  // the only certificate it may show; empty: what this system trusts
};

struct WebError {
  std::string text;  // a sentence
};

inline constexpr Duration kWebPatience = std::chrono::seconds(20);

// The real one; commands ask their console.
Result<http::Response, WebError> ask_web(const WebRequest& request);

}  // namespace aya::cli
