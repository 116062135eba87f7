#include "coord-server/hujson/parser.h"

namespace aya::hujson {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// Bytes of the sequence that begins with `first`; 0 where none begins so.
std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

// Overlong forms, surrogates, and what lies beyond Unicode: told by the second byte.
bool second_byte_fits(unsigned char first, unsigned char second) {
  if (first == 0xe0) return second >= 0xa0;
  if (first == 0xed) return second < 0xa0;
  if (first == 0xf0) return second >= 0x90;
  if (first == 0xf4) return second < 0x90;
  return true;
}

constexpr std::uint32_t kReplacement = 0xfffd;

}  // namespace

Result<Value, SyntaxError> Parser::parse() {
  Value out;
  const bool fine = space() && value(out, 0) && space() &&
                    (at_end() || fail("unexpected text after the end of the value"));
  if (!fine) return *error_;
  return out;
}

bool Parser::value(Value& out, int depth) {
  if (depth >= kDeepest) return fail("nested too deeply");
  out.at = position(at_);
  switch (peek()) {
    case '{':
      return object(out, depth);
    case '[':
      return array(out, depth);
    case '"':
      out.kind = Kind::String;
      return string(out.text);
    case 't':
    case 'f':
      out.kind = Kind::Bool;
      out.flag = peek() == 't';
      return word(out.flag ? "true" : "false");
    case 'n':
      return word("null");
    default:
      if (peek() != '-' && !is_digit(peek())) {
        return fail(at_end() ? "unexpected end, want a value" : "want a value");
      }
      out.kind = Kind::Number;
      return number(out.text);
  }
}

bool Parser::object(Value& out, int depth) {
  out.kind = Kind::Object;
  ++at_;
  if (!space()) return false;
  if (peek() == '}') return ++at_, true;
  for (;;) {
    Member& member = out.members.emplace_back();
    member.at = position(at_);
    if (peek() != '"') return fail("want a name in quotes");
    if (!string(member.name) || !space()) return false;
    if (peek() != ':') return fail("want ':' after a name");
    ++at_;
    if (!space() || !value(member.value, depth + 1)) return false;
    const Next after = next('}', "want ',' or '}'");
    if (after != Next::Item) return after == Next::End;
  }
}

bool Parser::array(Value& out, int depth) {
  out.kind = Kind::Array;
  ++at_;
  if (!space()) return false;
  if (peek() == ']') return ++at_, true;
  for (;;) {
    if (!value(out.items.emplace_back(), depth + 1)) return false;
    const Next after = next(']', "want ',' or ']'");
    if (after != Next::Item) return after == Next::End;
  }
}

Parser::Next Parser::next(char end, const char* wanted) {
  if (!space()) return Next::Failed;
  const std::size_t comma = at_;
  if (peek() == ',') {
    ++at_;
    if (!space()) return Next::Failed;
    if (peek() != end) return Next::Item;
    blanks_.push_back({comma, comma + 1});
  }
  if (peek() != end) return fail(wanted), Next::Failed;
  ++at_;
  return Next::End;
}

bool Parser::string(std::string& out) {
  for (++at_; !at_end();) {
    const auto c = static_cast<unsigned char>(peek());
    if (c == '"') return ++at_, true;
    if (c < 0x20) return fail("control character in a string");
    if (c == '\\' ? !escape(out) : !utf8(out)) return false;
  }
  return fail("unexpected end inside a string");
}

bool Parser::utf8(std::string& out) {
  const auto first = static_cast<unsigned char>(peek());
  const std::size_t length = sequence_length(first);
  const std::string_view bytes = text_.substr(at_, length);
  if (length == 0 || bytes.size() < length) return fail("not valid UTF-8");
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(bytes[i]) & 0xc0) != 0x80) return fail("not valid UTF-8");
  }
  if (length > 1 && !second_byte_fits(first, static_cast<unsigned char>(bytes[1]))) {
    return fail("not valid UTF-8");
  }
  out += bytes;
  at_ += length;
  return true;
}

bool Parser::escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  if (peek() != 'u') {
    const auto which = at_end() ? std::string_view::npos : kLetters.find(peek());
    if (which == std::string_view::npos) return fail("unknown escape in a string");
    out.push_back(kMeanings[which]);
    ++at_;
    return true;
  }
  auto point = hex4();
  if (!point) return false;
  if (*point >= 0xd800 && *point < 0xdc00 && text_.substr(at_, 2) == "\\u") {
    const std::size_t after_first = at_;
    ++at_;
    const auto low = hex4();
    if (!low) return false;
    if (*low >= 0xdc00 && *low < 0xe000) {
      append_utf8(0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00), out);
      return true;
    }
    at_ = after_first;
  }
  // Half a pair means nothing; readers elsewhere put the replacement sign there too.
  append_utf8(*point >= 0xd800 && *point < 0xe000 ? kReplacement : *point, out);
  return true;
}

std::optional<std::uint32_t> Parser::hex4() {
  ++at_;  // the 'u'
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = peek();
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      out = out << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      out = out << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      fail("want four hex digits after \\u");
      return std::nullopt;
    }
  }
  return out;
}

bool Parser::number(std::string& out) {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t from = at_;
    while (is_digit(peek())) ++at_;
    return at_ > from;
  };
  if (peek() == '-') ++at_;
  if (peek() == '0') {
    ++at_;
  } else if (!digits()) {
    return fail("want a digit");
  }
  if (peek() == '.') {
    ++at_;
    if (!digits()) return fail("want a digit");
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!digits()) return fail("want a digit");
  }
  out = text_.substr(begin, at_ - begin);
  return true;
}

bool Parser::word(std::string_view wanted) {
  if (text_.substr(at_, wanted.size()) != wanted) return fail("want a value");
  at_ += wanted.size();
  return true;
}

bool Parser::space() {
  for (; !at_end(); ++at_) {
    switch (peek()) {
      case '\n':
        ++line_;
        line_begin_ = at_ + 1;
        break;
      case ' ':
      case '\t':
      case '\r':
        break;
      case '/':
        if (!comment()) return false;
        --at_;  // the loop steps over its last byte
        break;
      default:
        return true;
    }
  }
  return true;
}

// Leaves the newline after a "//" comment to space(), which counts it.
bool Parser::comment() {
  const std::size_t begin = at_;
  const std::string_view opening = text_.substr(at_, 2);
  if (opening == "//") {
    while (!at_end() && peek() != '\n') ++at_;
  } else if (opening == "/*") {
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fail("comment without an end");
    for (; at_ < end; ++at_) {
      if (peek() != '\n') continue;
      ++line_;
      line_begin_ = at_ + 1;
    }
    at_ = end + 2;
  } else {
    return fail("want a value or a comment");
  }
  blanks_.push_back({begin, at_});
  return true;
}

bool Parser::fail(std::string what) {
  if (!error_) error_ = SyntaxError{std::move(what), position(at_)};
  return false;
}

Position Parser::position(std::size_t offset) const {
  return {line_, static_cast<int>(offset - line_begin_) + 1};
}

}  // namespace aya::hujson
