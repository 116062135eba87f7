#include "proto/idna/international_name.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

namespace aya::idna {

bool is_ascii(std::string_view name) {
  return std::ranges::all_of(
      name, [](char c) { return (static_cast<unsigned char>(c) >> 7) == 0; });
}

namespace {

std::optional<std::string> converted(
    std::string_view name, int (*convert)(const char*, char**, int), int flags) {
  const std::string text(name);  // for its final zero byte
  if (text.find('\0') != std::string::npos) return std::nullopt;
  char* found = nullptr;
  const int code = convert(text.c_str(), &found, flags);
  const std::unique_ptr<char, void (*)(void*)> owned(found, idn2_free);
  if (code != IDN2_OK || found == nullptr) return std::nullopt;
  return std::string(found);
}

}  // namespace

std::optional<std::string> ascii_form(std::string_view name) {
  return converted(name, idn2_to_ascii_8z, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
}

std::optional<std::string> readable_form(std::string_view ascii_name) {
  return converted(ascii_name, idn2_to_unicode_8z8z, 0);
}

}  // namespace aya::idna
