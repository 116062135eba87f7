// JSON in commands: the API's answers are read leniently, a missing field is an empty one. For .cpp
// files only.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "coord-server/commands/failure.h"
#include "coord-server/commands/table.h"
#include "proto/base/result.h"

namespace aya::coord {

using Json = nlohmann::json;

inline Json parse_json(std::string_view text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json::object() : value;
}

inline std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

// In a cell of a table.
inline std::string shown(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

inline std::string text_at(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : std::string();
}

inline bool flag_at(const Json& object, const char* name) {
  if (!object.is_object()) return false;
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// An array; empty where there is none.
inline Json list_at(const Json& object, const char* name) {
  if (!object.is_object()) return Json::array();
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : Json::array();
}

}  // namespace aya::coord
