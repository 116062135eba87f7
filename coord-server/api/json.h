// JSON in this room's handlers. For .cpp files only: it brings in the JSON library.
//
// Bodies are read strictly where a field is used and leniently elsewhere: unknown fields are
// ignored, null is absent (interfaces 1.1).
#pragma once

#include <nlohmann/json.hpp>

#include "coord-server/api/api_error.h"

namespace aya::api {

using Json = nlohmann::json;

// Texts from nodes may hold anything: what is not UTF-8 is replaced instead of refused.
inline std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The object of a request body; an empty body is an empty object.
Answer<Json> body_object(const http::Request& request);

// A field of such an object. Absent and null give the fallback; another type is refused by name.
Answer<std::string> text_field(const Json& object, const char* name, std::string fallback = {});
Answer<bool> flag_field(const Json& object, const char* name, bool fallback = false);
Answer<std::int64_t> number_field(const Json& object, const char* name, std::int64_t fallback = 0);
// A nested object; absent and null give an empty one.
Answer<Json> object_field(const Json& object, const char* name);
Answer<std::vector<std::string>> texts_field(const Json& object, const char* name);

}  // namespace aya::api
