// One pass over a text. Private to the room.
#pragma once

#include <cstdint>
#include <optional>

#include "coord-server/hujson/hujson.h"

namespace aya::hujson {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Value, SyntaxError> parse();
  // What was skipped and is no JSON: comments, trailing commas. Valid after parse().
  struct Blank {
    std::size_t from, to;
  };
  const std::vector<Blank>& blanks() const { return blanks_; }

 private:
  bool value(Value& out, int depth);
  bool object(Value& out, int depth);
  bool array(Value& out, int depth);
  bool string(std::string& out);
  bool escape(std::string& out);
  bool utf8(std::string& out);
  std::optional<std::uint32_t> hex4();
  bool number(std::string& out);
  bool word(std::string_view wanted);
  // After one item: a comma, a trailing comma with the end, or the end.
  enum class Next { Item, End, Failed };
  Next next(char end, const char* wanted);
  bool space();
  bool comment();
  bool fail(std::string what);
  Position position(std::size_t offset) const;
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
  std::vector<Blank> blanks_;
  std::optional<SyntaxError> error_;
};

}  // namespace aya::hujson
