// What is told to other programs by HTTP, whoever tells it: webhooks have news, log streams the log
// itself. When it is tried again is in attempts.h. Pure.
#pragma once

#include <variant>

#include "coord-server/store/log_streams.h"
#include "coord-server/store/webhooks.h"
#include "proto/http/headers.h"

namespace aya::delivery {

struct Message {
  std::string method = "POST";
  std::string url;
  http::Headers headers;
  Buffer body;
};

// The answer, or why there was none.
struct Answered {
  int status = 0;
  std::string body = {};
};
struct NoAnswer {
  std::string why;
};
using Outcome = Result<Answered, NoAnswer>;

// Why it was not taken; empty: it was.
std::string trouble_in(const Outcome& outcome);

// Whose message it is: that one is told what came of it.
using Sender = std::variant<store::WebhookId, store::LogStreamId>;
struct Post {
  Sender from;
  Message message;
};

}  // namespace aya::delivery
