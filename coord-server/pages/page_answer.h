// What becomes of a request for a page: the page, or an errand first. Passwords take a tenth of a
// second to compare and other servers take their time, so the shell does those elsewhere, and comes
// back with what came of it. The core stays pure: an errand is a value and a continuation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "proto/base/time.h"
#include "proto/http/message.h"

namespace aya::pages {

// Is this password the one of `hash`? With an empty hash: make one.
struct PasswordWork {
  std::string password;
  std::string hash;
};

// A request to another server, https only.
struct FetchWork {
  std::string url;
  std::string method = "GET";
  http::Headers headers;
  std::string body;
};

struct Done {
  bool matches = false;
  std::string hash;                       // made, or made anew because it was an old one
  std::optional<http::Response> fetched;  // nullopt: no answer
  std::string trouble;                    // why not, for the log
};

struct PageAnswer;

struct Errand {
  std::variant<PasswordWork, FetchWork> work;
  std::function<PageAnswer(const Done&, WallTime)> then;
};

struct PageAnswer {
  PageAnswer(http::Response ready) : page(std::move(ready)) {}
  PageAnswer(Errand first) : errand(std::make_unique<Errand>(std::move(first))) {}

  http::Response page;
  std::unique_ptr<Errand> errand;  // if there is one, `page` is nothing yet
};

}  // namespace aya::pages
