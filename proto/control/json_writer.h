// Writes one JSON document as text, front to back, without building a tree first: a server writes
// many maps. Invalid UTF-8 inside texts is replaced, so the document is always valid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aya::control {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { out_ += '}'; }
  void begin_array() { open('['); }
  void end_array() { out_ += ']'; }
  void key(std::string_view name);  // a value must follow

  void null() { literal("null"); }
  void boolean(bool value) { literal(value ? "true" : "false"); }
  void integer(std::int64_t value);
  void number(double value);  // not finite: 0
  void text(std::string_view value);
  void literal(std::string_view json);  // already JSON

 private:
  void open(char bracket);
  void separate();
  void quoted(std::string_view value);

  std::string& out_;
};

}  // namespace aya::control
