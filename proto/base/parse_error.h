// Why bytes or text were refused. One vocabulary for every parser in proto/, because what a caller
// does with it is always the same: count it by reason, drop the input, go on.
#pragma once

#include <string_view>

namespace aya {

enum class ParseError {
  Truncated,    // ended before a required field did
  BadLength,    // a length or size field that cannot be
  BadMagic,     // does not start as this format must
  BadType,      // a message type or version we do not know
  BadValue,     // a field outside its range
  BadEncoding,  // not the hex, base64, UTF-8, JSON or compression it claims to be
  BadSeal,      // did not decrypt or verify
  TooLarge,     // over a limit of ours
};

std::string_view to_text(ParseError error);

}  // namespace aya
