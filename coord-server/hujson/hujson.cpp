#include "coord-server/hujson/hujson.h"

#include <map>

#include "coord-server/hujson/parser.h"

namespace aya::hujson {
namespace {

void write(const Value& value, std::string& out);

void write_text(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void write_object(const Value& value, std::string& out) {
  std::map<std::string_view, const Value*> sorted;
  for (const Member& member : value.members) sorted[member.name] = &member.value;
  char before = '{';
  for (const auto& [name, member] : sorted) {
    out.push_back(std::exchange(before, ','));
    write_text(name, out);
    out.push_back(':');
    write(*member, out);
  }
  out += sorted.empty() ? "{}" : "}";
}

void write_array(const Value& value, std::string& out) {
  char before = '[';
  for (const Value& item : value.items) {
    out.push_back(std::exchange(before, ','));
    write(item, out);
  }
  out += value.items.empty() ? "[]" : "]";
}

void write(const Value& value, std::string& out) {
  switch (value.kind) {
    case Kind::Null:
      out += "null";
      break;
    case Kind::Bool:
      out += value.flag ? "true" : "false";
      break;
    case Kind::Number:
      out += value.text;
      break;
    case Kind::String:
      write_text(value.text, out);
      break;
    case Kind::Array:
      write_array(value, out);
      break;
    case Kind::Object:
      write_object(value, out);
      break;
  }
}

}  // namespace

std::string Position::to_text() const {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<Value, SyntaxError> parse(std::string_view text) { return Parser(text).parse(); }

std::string to_json(const Value& value) {
  std::string out;
  write(value, out);
  return out;
}

std::string without_comments(std::string_view text) {
  Parser parser(text);
  AYA_CHECK(parser.parse().has_value());
  std::string out(text);
  for (const Parser::Blank& blank : parser.blanks()) {
    for (std::size_t i = blank.from; i < blank.to; ++i) {
      if (out[i] != '\n' && out[i] != '\r') out[i] = ' ';
    }
  }
  return out;
}

}  // namespace aya::hujson
