// JSON for people: comments (// and /* */) and trailing commas are allowed, everything else is
// RFC 8259. Policies are written in it, and kept byte for byte.
//
// parse() gives a tree in which every value knows where it stands, so that whoever refuses one can
// say in which line. Names of an object keep their order, and duplicates stay.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace aya::hujson {

struct Position {
  int line = 1, column = 1;     // of a byte, both counted from 1
  std::string to_text() const;  // "line 12, column 7"
  friend bool operator==(const Position&, const Position&) = default;
};

struct SyntaxError {
  std::string what;  // "want a value"
  Position at;
  std::string to_text() const { return what + ": " + at.to_text(); }
};

enum class Kind { Null, Bool, Number, String, Array, Object };

struct Member;

struct Value {
  Kind kind = Kind::Null;
  bool flag = false;
  std::string text;             // of a string: decoded; of a number: as written
  std::vector<Value> items;     // of an array
  std::vector<Member> members;  // of an object
  Position at;

  bool is(Kind wanted) const { return kind == wanted; }
};

struct Member {
  std::string name;
  Position at;
  Value value;
};

// Deeper nesting is refused.
inline constexpr int kDeepest = 64;

Result<Value, SyntaxError> parse(std::string_view text);

// A value as one line of strict JSON. Members are sorted by name; of two with one name the last
// counts.
std::string to_json(const Value& value);

// A text that parses, as strict JSON of the same length: comments and trailing commas become
// blanks, so that lines and columns stay what they were.
std::string without_comments(std::string_view text);

}  // namespace aya::hujson
