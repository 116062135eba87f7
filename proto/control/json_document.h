// A parsed JSON document and borrowed views into it. Keeps the JSON library out of every header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"

namespace aya::control {

// One value; valid while its document lives. Each accessor answers nullopt (or nullptr) when the
// value is of another kind.
class JsonValue {
 public:
  struct Member;

  JsonValue() = default;
  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer() const;  // written without fraction or exponent, in range
  std::optional<double> number() const;
  const std::string* text() const;
  std::size_t size() const;                 // of an array
  JsonValue element(std::size_t at) const;  // at < size()
  std::vector<Member> members() const;      // of an object, sorted by name; the last of equals wins
  std::string to_compact_text() const;

 private:
  friend class JsonDocument;
  explicit JsonValue(const void* at) : at_(at) {}
  const void* at_ = nullptr;
};

struct JsonValue::Member {
  std::string_view name;
  JsonValue value;
};

class JsonDocument {
 public:
  // Nesting past this depth is refused: no message of ours comes near it, and some steps recurse.
  static constexpr int kMaxDepth = 64;

  static Result<JsonDocument, ParseError> parse(std::string_view text);
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  JsonValue root() const;

 private:
  struct Tree;
  explicit JsonDocument(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

}  // namespace aya::control
