#include "coord-server/mail/message.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "proto/base/base64.h"
#include "proto/base/check.h"
#include "proto/base/utf8.h"

namespace aya::mail {
namespace {

constexpr std::size_t kPlainHeader = 60;   // what is longer is folded, as encoded words
constexpr std::size_t kWordBytes = 39;     // of text in one; with the header's name below 76
constexpr std::size_t kLongestLine = 76;   // RFC 2045, section 6.7
constexpr std::size_t kLongestHeader = 400;

// One line of good UTF-8 and no longer than headers should be.
std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty() && out.size() < kLongestHeader) {
    const std::size_t size = utf8_length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    if (size == 0) {
      out += '?';
    } else if (lead < 0x20 || lead == 0x7f) {
      out += ' ';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

// `text` in encoded words, one a line, none of which splits a character.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size()) {
      const std::size_t next = end + utf8_length(text.substr(end));
      if (next > kWordBytes) break;
      end = next;
    }
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + to_base64(as_bytes(text.substr(0, end))) + "?=";
    text.remove_prefix(end);
  }
  return out;
}

bool may_stay_plain(std::string_view text) {
  return is_ascii(text) && text.size() <= kPlainHeader && text.find("=?") == std::string_view::npos;
}

std::string unstructured(std::string_view raw) {
  const std::string text = one_line(raw);
  return may_stay_plain(text) ? text : encoded_words(text);
}

std::string phrase(std::string_view raw) {
  const std::string text = one_line(raw);
  if (!may_stay_plain(text)) return encoded_words(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// "Sun, 01 Feb 2026 09:00:00 +0000"
std::string date_text(WallTime time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %d %02d:%02d:%02d +0000",
      kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

// One line of the body, without its end (RFC 2045, section 6.7).
std::string quoted_printable(std::string_view line) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    // A blank at the end of a line would be lost.
    const bool plain = c == ' ' ? i + 1 < line.size() : c > ' ' && c < 0x7f && c != '=';
    const std::size_t size = plain ? 1 : 3;
    if (column + size >= kLongestLine) {  // a place is kept for the "=" of a soft break
      out += "=\r\n";
      column = 0;
    }
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += {'=', kDigits[c >> 4], kDigits[c & 15]};
    }
    column += size;
  }
  return out;
}

}  // namespace

std::string compose(const Message& message) {
  AYA_CHECK(is_address(message.from.address) && is_address(message.to));
  const std::string& from = message.from.address;
  std::string out = "From: ";
  if (!message.from.name.empty()) out += phrase(message.from.name) + "\r\n ";
  out += '<' + from + ">\r\n";
  out += "To: <" + message.to + ">\r\n";
  out += "Subject: " + unstructured(message.subject) + "\r\n";
  out += "Date: " + date_text(message.date) + "\r\n";
  out += "Message-ID: <" + message.id + '@' + std::string(domain_of(from)) + ">\r\n";
  // Nobody's holiday notice should come back (RFC 3834).
  out += "Auto-Submitted: auto-generated\r\n";
  out += "MIME-Version: 1.0\r\n";
  out += "Content-Type: text/plain; charset=utf-8\r\n";
  out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  for (std::string_view rest = message.text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += quoted_printable(rest.substr(0, end)) + "\r\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace aya::mail
