#include "coord-server/api/json.h"

namespace aya::api {
namespace {

const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

ApiError wrong(const char* name, const char* wanted) {
  return ApiError::bad_request(std::string(name) + ": want " + wanted);
}

}  // namespace

Answer<Json> body_object(const http::Request& request) {
  if (request.body.empty()) return Json::object();
  Json body = Json::parse(as_text(request.body), nullptr, false);
  if (body.is_discarded()) return ApiError::bad_request("request body: not valid JSON");
  if (!body.is_object()) return ApiError::bad_request("request body: want a JSON object");
  return body;
}

Answer<std::string> text_field(const Json& object, const char* name, std::string fallback) {
  const Json& value = member(object, name);
  if (value.is_null()) return fallback;
  if (!value.is_string()) return wrong(name, "a string");
  return value.get_ref<const std::string&>();
}

Answer<bool> flag_field(const Json& object, const char* name, bool fallback) {
  const Json& value = member(object, name);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) return wrong(name, "true or false");
  return value.get<bool>();
}

Answer<std::int64_t> number_field(const Json& object, const char* name, std::int64_t fallback) {
  const Json& value = member(object, name);
  if (value.is_null()) return fallback;
  if (!value.is_number_integer()) return wrong(name, "a whole number");
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    return wrong(name, "a smaller number");
  }
  return value.get<std::int64_t>();
}

Answer<Json> object_field(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (value.is_null()) return Json::object();
  if (!value.is_object()) return wrong(name, "an object");
  return value;
}

Answer<std::vector<std::string>> texts_field(const Json& object, const char* name) {
  const Json& value = member(object, name);
  std::vector<std::string> out;
  if (value.is_null()) return out;
  if (!value.is_array()) return wrong(name, "a list of strings");
  for (const Json& item : value) {
    if (!item.is_string()) return wrong(name, "a list of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace aya::api
