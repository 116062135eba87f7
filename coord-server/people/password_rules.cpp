#include "coord-server/people/password_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace aya::people {
namespace {

// Of the much used ones those that are long enough; repetitions and runs are found by rule.
constexpr std::array<std::string_view, 34> kCommon = {
    "1q2w3e4r5t",    "1q2w3e4r5t6y",     "1qaz2wsx3edc", "abcd123456",  "administrator",
    "adminadmin",    "ayatori12345",     "asdfghjkl1",   "changeme123", "changeme1234",
    "football123",   "iloveyou12",       "iloveyou123",  "letmein123",  "letmeinplease",
    "mypassword",    "p@ssw0rd123",      "passw0rd123",  "password00",  "password01",
    "password10",    "password11",       "password12",   "password123", "password1234",
    "password12345", "passwordpassword", "qazwsxedcrfv", "qwerty12345", "qwerty123456",
    "qwertyuiop",    "welcome123",       "welcome1234",  "zaq12wsxcde3"};

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// "aaaaaaaaaa", "1234567890", "abcabcabcabc".
bool is_pattern(std::string_view text) {
  for (std::size_t period = 1; period <= 3; ++period) {
    bool repeats = true;
    for (std::size_t i = period; i < text.size() && repeats; ++i) {
      repeats = text[i] == text[i - period];
    }
    if (repeats) return true;
  }
  const auto step = [&](std::size_t i) { return (text[i] - text[i - 1] + 10) % 10; };
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (step(i) != step(1)) return false;
  }
  return true;
}

}  // namespace

PasswordFault fault_of(std::string_view password, std::string_view login) {
  if (characters(password) < kShortestPassword) return PasswordFault::TooShort;
  if (password.size() > kLongestPassword) return PasswordFault::TooLong;
  std::string lower(password), name(login);
  for (std::string* text : {&lower, &name}) {
    std::ranges::transform(*text, text->begin(), [](unsigned char c) { return std::tolower(c); });
  }
  const bool common = std::ranges::find(kCommon, lower) != kCommon.end() || lower == name;
  return common || is_pattern(lower) ? PasswordFault::Common : PasswordFault::None;
}

}  // namespace aya::people
