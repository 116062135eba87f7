// Trying out whether mail is sent: an addition of ours.
#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/mailing.h"

namespace aya::resources {

// Answered when the mail server has taken or refused it. Only here: anybody else could write to
// strangers in our name.
Answer<http::Response> try_mail(const AdminContext& c) {
  if (!c.caller.every_account) return ApiError::forbidden("only on the server itself");
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto to = text_field(*body, "to");
  if (!to) return to.error();
  auto mail = c.outbox.put(mail::trial(*to, c.facts.server_url), c.now);
  if (!mail) return no_mail(mail.error());
  store::AuditEntry entry = c.audit("CREATE", "MAIL");
  entry.target_name = *to;
  entry.details = "to try it out";
  if (auto noted = c.registry.note(entry); !noted) return ApiError::of(noted.error());
  if (!c.mail_waiter.answer_with(*mail)) {
    return ApiError{503, "the mail is on its way; what becomes of it cannot be waited for here"};
  }
  return http::Response::json(202, "{}");
}

}  // namespace aya::resources
