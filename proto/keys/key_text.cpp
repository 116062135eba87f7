#include "proto/base/base64.h"
#include "proto/base/hex.h"
#include "proto/keys/public_key.h"

namespace aya::key_text {

std::string format(std::string_view prefix, Bytes raw) { return std::string(prefix) + to_hex(raw); }

bool parse(std::string_view prefix, std::string_view text, MutableBytes out) {
  return text.starts_with(prefix) && parse_hex_into(text.substr(prefix.size()), out);
}

std::string short_form(Bytes raw) { return "[" + to_base64(raw).substr(0, 5) + "]"; }

std::string disco_short(Bytes raw) { return "d:" + to_hex(raw.first(8)); }

}  // namespace aya::key_text
