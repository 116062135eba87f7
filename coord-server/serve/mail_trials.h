// Requests of the API that wait for what becomes of a mail. Pure. One thread.
#pragma once

#include <map>
#include <optional>

#include "coord-server/api/mail_waiter.h"
#include "coord-server/mapper/map_streams.h"
#include "proto/http/message.h"

namespace aya::serve {

class MailTrials final : public api::MailWaiter {
 public:
  static constexpr std::size_t kMost = 16;  // at one time

  // Around the handling of one request.
  void begin() {
    can_wait_ = true;
    asked_.reset();
  }
  bool answer_with(mail::MailId mail) override;
  // True: the answer comes later under that number. `said` is what the handler answered.
  bool end(mapper::StreamId waiter, const http::Response& said);

  struct Answered {
    mapper::StreamId waiter;
    http::Response response;
  };
  // nullopt: nobody waits for that one.
  std::optional<Answered> take(mail::MailId mail, const mail::Attempt& attempt);

 private:
  struct Waiting {
    mapper::StreamId waiter;
    http::Headers headers;
  };

  bool can_wait_ = false;  // while a request is handled
  std::optional<mail::MailId> asked_;
  std::map<mail::MailId, Waiting> waiting_;
};

}  // namespace aya::serve
