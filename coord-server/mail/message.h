// A mail as it travels (RFC 5322): headers and a text for people to read. Whatever is in the texts,
// it stays where it was put: names and subjects that are not plain ASCII are written as encoded
// words (RFC 2047), control characters become blanks, the body is quoted-printable, so that every
// line is short ASCII and every server passes it on unchanged.
//
// Pure.
#pragma once

#include "coord-server/mail/address.h"
#include "proto/base/time.h"

namespace aya::mail {

struct Message {
  Mailbox from;
  std::string to;       // an address: is_address() holds of it and of the sender's
  std::string subject;  // UTF-8, like the text
  std::string text;     // lines end with '\n'
  WallTime date{};
  std::string id;  // before the "@" of its Message-ID: letters and digits, never used twice
};

// With CRLF at the end of every line.
std::string compose(const Message& message);

}  // namespace aya::mail
