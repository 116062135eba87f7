#include "coord-server/mail/address.h"

#include <algorithm>

namespace aya::mail {
namespace {

constexpr std::size_t kLongest = 254, kLongestLocal = 64;  // RFC 5321, section 4.5.3.1

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Words with dots between them, of letters, digits and what `more` names.
bool is_dotted(std::string_view text, std::string_view more) {
  return !text.empty() && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, [&](char c) {
           return is_alnum(c) || c == '.' || more.find(c) != std::string_view::npos;
         });
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool has_controls(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

bool is_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || text.size() > kLongest || at > kLongestLocal) return false;
  return is_dotted(text.substr(0, at), "!#$%&'*+-/=?^_`{|}~") &&
         is_dotted(text.substr(at + 1), "-");
}

std::string_view domain_of(std::string_view address) {
  return address.substr(address.find('@') + 1);
}

std::optional<Mailbox> Mailbox::parse(std::string_view text) {
  text = trim(text);
  if (is_address(text)) return Mailbox{"", std::string(text)};
  const std::size_t open = text.rfind('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return std::nullopt;
  const std::string_view address = text.substr(open + 1, text.size() - open - 2);
  std::string_view name = trim(text.substr(0, open));
  // In quotes, as mail programs write it.
  if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) {
    name = trim(name.substr(1, name.size() - 2));
  }
  if (!is_address(address) || has_controls(name)) return std::nullopt;
  if (name.find_first_of("<>\"") != std::string_view::npos) return std::nullopt;
  return Mailbox{std::string(name), std::string(address)};
}

std::string Mailbox::to_text() const {
  return name.empty() ? address : name + " <" + address + '>';
}

}  // namespace aya::mail
