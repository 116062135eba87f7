// Whatever people are called and write, a mail stays one mail with our headers, of lines that every
// server takes, and its text arrives; a sender is written as it is read.
#include "coord-server/mail/letters.h"
#include "coord-server/mail/message.h"
#include "coord-server/mail/smtp_server.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "tests/support/mail_text.h"

namespace {

using namespace aya;

constexpr std::size_t kHeaders = 9;

void check_mail(mail::Message message) {
  message.from.address = "net@mail.example";
  message.to = "dora@example.com";
  message.id = "0123";
  const auto read = test::MailText::read(mail::compose(message));
  AYA_CHECK(read && read->headers.size() == kHeaders);
  const bool ends_whole = message.text.empty() || message.text.ends_with('\n');
  AYA_CHECK(read->text == message.text + (ends_whole ? "" : "\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text(std::as_bytes(std::span(data, size))));
  if (const auto mailbox = mail::Mailbox::parse(text)) {
    AYA_CHECK(mail::is_address(mailbox->address));
    AYA_CHECK(mail::Mailbox::parse(mailbox->to_text()) == mailbox);
  }
  mail::SmtpSettings settings;
  AYA_CHECK(!settings.set_url(text).empty() || settings.server("", "").port != 0);
  const std::size_t half = text.size() / 2;
  check_mail({{text.substr(0, half), ""}, "", text.substr(half), text, {}, ""});
  const mail::Letter letter = mail::user_invite(
      {}, {}, "", {text.substr(0, half), text.substr(half)}, text, "member", {"https://x/", {}});
  check_mail({{}, "", letter.subject, letter.text, {}, ""});
  return 0;
}
