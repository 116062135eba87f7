#include "coord-server/serve/api_calls.h"

#include "coord-server/api/api_error.h"
#include "coord-server/api/json.h"
#include "coord-server/serve/late_answer.h"

namespace aya::serve {

bool ApiCalls::ask(store::NodeId node, const http::Request& question) {
  if (out_ == nullptr || asked_ || waiting_.size() >= kMost) return false;
  asked_ = calls_.ask(node, question, kPatience, now_, *out_);
  return asked_.has_value();
}

bool ApiCalls::end(mapper::StreamId waiter, const http::Response& said) {
  out_ = nullptr;
  if (!asked_) return false;
  waiting_.emplace(*asked_, Waiting{waiter, said.headers});
  asked_.reset();
  return true;
}

std::optional<ApiCalls::Answered> ApiCalls::take(const NodeCalls::Answer& answer) {
  const auto found = waiting_.find(answer.call);
  if (found == waiting_.end()) return std::nullopt;
  Answered out{found->second.waiter, {}};
  const http::Headers headers = std::move(found->second.headers);
  waiting_.erase(found);
  if (answer.response) {
    out.response = http::Response::json(
        200, api::text_of(
                 {{"status", answer.response->status},
                  {"contentType", answer.response->headers.get("Content-Type")},
                  {"body", as_text(answer.response->body)}}));
  } else {
    out.response = api::ApiError{504, "the device has not answered in time"}.to_response();
  }
  keep_headers_of(headers, out.response);
  return out;
}

}  // namespace aya::serve
