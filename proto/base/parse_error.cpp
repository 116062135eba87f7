#include "proto/base/parse_error.h"

namespace aya {

std::string_view to_text(ParseError error) {
  switch (error) {
    case ParseError::Truncated:
      return "truncated";
    case ParseError::BadLength:
      return "bad length";
    case ParseError::BadMagic:
      return "bad magic";
    case ParseError::BadType:
      return "bad type";
    case ParseError::BadValue:
      return "bad value";
    case ParseError::BadEncoding:
      return "bad encoding";
    case ParseError::BadSeal:
      return "bad seal";
    case ParseError::TooLarge:
      return "too large";
  }
  return "unknown";
}

}  // namespace aya
