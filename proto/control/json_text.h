// Reading and writing the JSON documents of the control protocol (control 5 and 6).
//
//   Result<MapRequest, ParseError> request = decode<MapRequest>(body);
//   std::string body = encode(response);
//
// decode: names match in any case, unknown names are ignored, null means absent, and every surprise
// (not JSON, a wrong type, a number out of range, a malformed key, time or address) refuses the
// whole document. encode: names exactly as deployed programs write them; what is absent is left
// out, except where the schema says "always". Pure; any thread.
//
// The structs are plain values. Three conventions hold for all of them:
//   - std::optional<T>: absent and null are nullopt. optional<vector> keeps absent and [] apart.
//   - times: the year-1 "unset" of Go programs is nullopt.
//   - RawJson: a value nobody here looks into, kept as text and passed on.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"

namespace aya::control {

struct RawJson {
  std::string text;  // one JSON value in compact form, members sorted: equal text, equal value
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

// Both are defined for the types named in json_text.cpp: every request and response, and each of
// their parts that is stored or sent alone (Node, Hostinfo, NetInfo, DerpMap, ...).
template <class T>
Result<T, ParseError> decode(std::string_view json);
template <class T>
std::string encode(const T& value);

}  // namespace aya::control
