#include "coord-server/serve/mail_trials.h"

#include "coord-server/api/api_error.h"
#include "coord-server/api/json.h"
#include "coord-server/api/late_answer.h"

namespace aya::serve {

bool MailTrials::answer_with(mail::MailId mail) {
  if (!can_wait_ || waiting_.size() >= kMost) return false;
  asked_ = mail;
  return true;
}

bool MailTrials::end(mapper::StreamId waiter, const http::Response& said) {
  can_wait_ = false;
  if (!asked_) return false;
  waiting_.emplace(*asked_, Waiting{waiter, said.headers});
  asked_.reset();
  return true;
}

std::optional<MailTrials::Answered> MailTrials::take(
    mail::MailId mail, const mail::Attempt& attempt) {
  const auto found = waiting_.extract(mail);
  if (!found) return std::nullopt;
  Answered out{found.mapped().waiter, {}};
  out.response = attempt ? http::Response::json(200, api::text_of({{"answer", *attempt}}))
                         : api::ApiError{502, attempt.error().why}.to_response();
  api::keep_head(found.mapped().headers, out.response);
  return out;
}

}  // namespace aya::serve
