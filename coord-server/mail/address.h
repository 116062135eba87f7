// E-mail addresses, as far as this server writes to them: what every mail server takes, without
// quotes, comments and letters beyond ASCII. Whatever passes here cannot break a header or a
// command of SMTP. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::mail {

bool is_address(std::string_view text);
std::string_view domain_of(std::string_view address);  // of a good one

// Who a mail is from: "net@example.org" or "Home network <net@example.org>".
struct Mailbox {
  std::string name;  // may be empty; UTF-8
  std::string address;

  static std::optional<Mailbox> parse(std::string_view text);
  std::string to_text() const;  // as parse() reads it
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

}  // namespace aya::mail
