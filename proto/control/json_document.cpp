#include "proto/control/json_document.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace aya::control {
namespace {

using Json = nlohmann::json;

const Json& at(const void* value) {
  static const Json kNull;
  return value == nullptr ? kNull : *static_cast<const Json*>(value);
}

bool is_deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

bool JsonValue::is_null() const { return at(at_).is_null(); }
bool JsonValue::is_object() const { return at(at_).is_object(); }
bool JsonValue::is_array() const { return at(at_).is_array(); }

std::optional<bool> JsonValue::boolean() const {
  const bool* value = at(at_).get_ptr<const Json::boolean_t*>();
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> JsonValue::integer() const {
  const Json& value = at(at_);
  if (const auto* positive = value.get_ptr<const Json::number_unsigned_t*>()) {
    if (*positive > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(*positive);
  }
  const auto* any = value.get_ptr<const Json::number_integer_t*>();
  return any == nullptr ? std::nullopt : std::optional<std::int64_t>(*any);
}

std::optional<double> JsonValue::number() const {
  const Json& value = at(at_);
  if (const auto* real = value.get_ptr<const Json::number_float_t*>()) return *real;
  if (const auto* positive = value.get_ptr<const Json::number_unsigned_t*>()) {
    return static_cast<double>(*positive);
  }
  if (const auto* any = value.get_ptr<const Json::number_integer_t*>()) {
    return static_cast<double>(*any);
  }
  return std::nullopt;
}

const std::string* JsonValue::text() const { return at(at_).get_ptr<const Json::string_t*>(); }

std::size_t JsonValue::size() const { return is_array() ? at(at_).size() : 0; }

JsonValue JsonValue::element(std::size_t index) const {
  const auto* elements = at(at_).get_ptr<const Json::array_t*>();
  AYA_CHECK(elements != nullptr && index < elements->size());
  return JsonValue(&(*elements)[index]);
}

std::vector<JsonValue::Member> JsonValue::members() const {
  std::vector<Member> out;
  const auto* object = at(at_).get_ptr<const Json::object_t*>();
  if (object == nullptr) return out;
  out.reserve(object->size());
  for (const auto& [name, value] : *object) out.push_back({name, JsonValue(&value)});
  return out;
}

std::string JsonValue::to_compact_text() const {
  return at(at_).dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct JsonDocument::Tree {
  Json root;
};

JsonDocument::JsonDocument(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<JsonDocument, ParseError> JsonDocument::parse(std::string_view text) {
  if (is_deeper_than(text, kMaxDepth)) return ParseError::TooLarge;
  auto tree = std::make_unique<Tree>();
  tree->root = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (tree->root.is_discarded()) return ParseError::BadEncoding;
  return JsonDocument(std::move(tree));
}

JsonValue JsonDocument::root() const { return JsonValue(&tree_->root); }

}  // namespace aya::control
