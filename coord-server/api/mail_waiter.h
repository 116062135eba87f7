// How a handler of the API has its caller wait for what becomes of a mail: the handler's own answer
// only says that the mail is on its way.
#pragma once

#include "coord-server/mail/outbox.h"

namespace aya::api {

class MailWaiter {
 public:
  virtual ~MailWaiter() = default;
  // False: this caller cannot wait, or too many do already.
  virtual bool answer_with(mail::MailId mail) = 0;
};

}  // namespace aya::api
