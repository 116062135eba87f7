#include "daemon/dns/international_name.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

namespace aya::dns {

bool is_ascii(std::string_view name) {
  return std::ranges::all_of(
      name, [](char c) { return (static_cast<unsigned char>(c) >> 7) == 0; });
}

std::optional<std::string> ascii_form(std::string_view name) {
  const std::string text(name);  // for its final zero byte
  if (text.find('\0') != std::string::npos) return std::nullopt;
  char* found = nullptr;
  const int code = idn2_to_ascii_8z(text.c_str(), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(found, idn2_free);
  if (code != IDN2_OK || found == nullptr) return std::nullopt;
  return std::string(found);
}

}  // namespace aya::dns
