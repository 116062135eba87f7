// The server that takes our mails, as the configuration names it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coord-server/mail/address.h"

namespace aya::mail {

enum class Encryption {
  Tls,       // from the first byte: smtps://, port 465
  StartTls,  // before anything is said that matters, or not at all: smtp://, port 587
  None
};

struct SmtpServer {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  Encryption encryption = Encryption::Tls;
  std::string user, password;  // both empty: none are asked for
  std::string hello = {};      // what we call ourselves; empty: this machine's name

  std::string url() const;  // as libcurl reads it
};

// What the lines smtp_… of a configuration say. Each set_…() gives what is wrong; empty: nothing.
class SmtpSettings {
 public:
  std::string set_url(std::string_view text);
  std::string set_from(std::string_view text);
  std::string set_user(std::string_view text);
  std::string set_password_file(std::string_view text);
  std::string set_starttls(std::string_view text);
  // What is missing of them; empty: nothing.
  std::string lacks() const;

  // The file's content is the caller's to read; with an empty name there is none.
  const std::string& password_file() const { return password_file_; }
  const std::string& url() const { return url_; }
  const std::string& user() const { return user_; }
  const Mailbox& from() const { return from_; }
  SmtpServer server(std::string password, std::string_view own_host) const;

 private:
  bool is_this_machine() const;

  std::string url_, user_, password_file_;
  SmtpServer at_;
  Mailbox from_;
  std::optional<bool> starttls_;
};

}  // namespace aya::mail
