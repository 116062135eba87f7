#include "tests/support/mail_text.h"

#include <array>

#include "proto/base/base64.h"
#include "proto/base/hex.h"

namespace aya::test {
namespace {

constexpr std::size_t kLongestLine = 400;  // an address may be long, and is not folded

// Each line without its CRLF; nullopt where one ends otherwise, is too long, or is not plain ASCII.
std::optional<std::vector<std::string>> lines_of(std::string_view mail) {
  std::vector<std::string> out;
  while (!mail.empty()) {
    const std::size_t end = mail.find("\r\n");
    if (end == std::string_view::npos || end > kLongestLine) return std::nullopt;
    const std::string_view line = mail.substr(0, end);
    for (const char c : line) {
      if (c < ' ' || c > '~') return std::nullopt;
    }
    out.emplace_back(line);
    mail.remove_prefix(end + 2);
  }
  return out;
}

std::string decoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    constexpr std::string_view kBegin = "=?UTF-8?B?";
    const std::size_t at = text.find(kBegin);
    if (at == std::string_view::npos) return out + std::string(text);
    // Blanks between two of them are none.
    const std::string_view before = text.substr(0, at);
    if (out.empty() || before.find_first_not_of(' ') != std::string_view::npos) out += before;
    text.remove_prefix(at + kBegin.size());
    const std::size_t end = text.find("?=");
    const auto bytes = parse_base64(text.substr(0, end));
    if (bytes) out += as_text(*bytes);
    text.remove_prefix(end + 2);
  }
  return out;
}

// One line of a quoted-printable body. True: the next belongs to it.
bool add_decoded(std::string_view line, std::string& out) {
  const bool goes_on = line.ends_with('=');
  if (goes_on) line.remove_suffix(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::array<std::byte, 1> byte{};
    if (line[i] == '=' && parse_hex_into(line.substr(i + 1, 2), byte)) {
      out += static_cast<char>(byte[0]);
      i += 2;
    } else {
      out += line[i];
    }
  }
  return goes_on;
}

}  // namespace

std::optional<MailText> MailText::read(std::string_view mail) {
  const auto lines = lines_of(mail);
  if (!lines) return std::nullopt;
  MailText out;
  auto line = lines->begin();
  for (; line != lines->end() && !line->empty(); ++line) {
    if (line->starts_with(' ')) {
      if (out.headers.empty()) return std::nullopt;
      out.headers.back().second += *line;
      continue;
    }
    const std::size_t colon = line->find(": ");
    if (colon == std::string::npos) return std::nullopt;
    out.headers.emplace_back(line->substr(0, colon), line->substr(colon + 2));
  }
  if (line == lines->end()) return std::nullopt;
  for (++line; line != lines->end(); ++line) {
    if (line->size() > 76) return std::nullopt;
    if (!add_decoded(*line, out.text)) out.text += '\n';
  }
  return out;
}

std::string MailText::header(std::string_view name) const {
  for (const auto& [own, value] : headers) {
    if (own == name) return decoded_words(value);
  }
  return {};
}

}  // namespace aya::test
