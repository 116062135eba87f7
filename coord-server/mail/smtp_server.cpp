#include "coord-server/mail/smtp_server.h"

#include <algorithm>
#include <cctype>

#include "proto/base/parse_number.h"
#include "proto/netaddr/ip_address.h"

namespace aya::mail {
namespace {

bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == '.' || c == '-';
  });
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

std::string SmtpServer::url() const {
  const bool brackets = host.find(':') != std::string::npos;
  return std::string(encryption == Encryption::Tls ? "smtps://" : "smtp://") +
         (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port) + '/' + hello;
}

// The server is asked by URL and nothing else is said there: a password would stand in a file that
// is shown around.
std::string SmtpSettings::set_url(std::string_view text) {
  const std::string wrong = "smtp_url: " + in_quotes(text) +
                            " is not a mail server; write smtps://mail.example:465, or "
                            "smtp://mail.example:587 for STARTTLS";
  std::string_view rest = text;
  const bool tls = rest.starts_with("smtps://");
  if (!tls && !rest.starts_with("smtp://")) return wrong;
  rest.remove_prefix(tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) {
    return "smtp_url: leave name and password out; they are smtp_user and smtp_password_file";
  }
  std::string_view host = rest, port;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return wrong;
    host = rest.substr(1, close - 1);
    port = rest.substr(close + 1);
  } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  std::uint16_t number = tls ? 465 : 587;
  if (!port.empty()) {
    const auto given = port.starts_with(':') ? parse_number<std::uint16_t>(port.substr(1))
                                             : std::nullopt;
    if (!given || *given == 0) return wrong;
    number = *given;
  }
  if (!is_host(host)) return wrong;
  at_.host = host;
  at_.port = number;
  at_.encryption = tls ? Encryption::Tls : Encryption::StartTls;
  url_ = text;
  return {};
}

std::string SmtpSettings::set_from(std::string_view text) {
  auto mailbox = Mailbox::parse(text);
  if (!mailbox) {
    return "smtp_from: " + in_quotes(text) +
           " is not an e-mail address; write net@mail.example, or Our network <net@mail.example>";
  }
  from_ = std::move(*mailbox);
  return {};
}

std::string SmtpSettings::set_user(std::string_view text) {
  user_ = text;
  return {};
}

std::string SmtpSettings::set_password_file(std::string_view text) {
  password_file_ = text;
  return {};
}

std::string SmtpSettings::set_starttls(std::string_view text) {
  if (text != "on" && text != "off") {
    return "smtp_starttls: " + in_quotes(text) + " is neither on nor off";
  }
  starttls_ = text == "on";
  return {};
}

std::string SmtpSettings::lacks() const {
  if (url_.empty()) return "smtp_url is missing, without which no other smtp_… means anything";
  if (from_.address.empty()) return "smtp_url needs smtp_from: the address that mails come from";
  if (user_.empty() != password_file_.empty()) {
    return "smtp_user and smtp_password_file belong together; set both or neither";
  }
  if (starttls_ && at_.encryption == Encryption::Tls) {
    return "smtp_starttls is for smtp://; smtps:// is encrypted from the first byte";
  }
  return {};
}

bool SmtpSettings::is_this_machine() const {
  const auto address = IpAddress::parse(at_.host);
  return at_.host == "localhost" || (address && address->is_loopback());
}

// On this machine nobody listens on the way, and few such servers have a certificate for it.
SmtpServer SmtpSettings::server(std::string password, std::string_view own_host) const {
  SmtpServer out = at_;
  if (out.encryption == Encryption::StartTls && !starttls_.value_or(!is_this_machine())) {
    out.encryption = Encryption::None;
  }
  out.user = user_;
  out.password = std::move(password);
  // Servers like a whole name; an address would have to be written in brackets.
  if (!IpAddress::parse(own_host) && own_host.find('.') != std::string_view::npos) {
    out.hello = own_host;
  }
  return out;
}

}  // namespace aya::mail
