// What is said to other programs by HTTP, whoever says it: webhooks have news, log streams the log
// itself, posture integrations questions. When it is tried again is in attempts.h. Pure.
#pragma once

#include <variant>

#include "coord-server/store/log_streams.h"
#include "coord-server/store/posture_integrations.h"
#include "coord-server/store/webhooks.h"
#include "proto/http/headers.h"

namespace aya::delivery {

struct Message {
  std::string method = "POST";
  std::string url;
  http::Headers headers;
  Buffer body;
  std::size_t longest_answer = std::size_t{1} << 20;  // what is longer is none
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
using Sender =
    std::variant<store::WebhookId, store::LogStreamId, store::PostureIntegrationId>;
struct Post {
  Sender from;
  Message message;
};

}  // namespace aya::delivery
