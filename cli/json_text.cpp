#include "cli/json_text.h"

#include <nlohmann/json.hpp>

namespace aya::cli {
namespace {

using Json = nlohmann::ordered_json;  // fields stay where their writer put them

Json parse(std::string_view text) { return Json::parse(text.begin(), text.end(), nullptr, false); }

std::string dump(const Json& value, char indent_with, int count) {
  return value.dump(count, indent_with, false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string reindented(std::string_view json, char indent_with, int count) {
  const Json value = parse(json);
  return value.is_discarded() ? std::string(json) : dump(value, indent_with, count);
}

std::string field_of(std::string_view json, std::string_view name) {
  const Json value = parse(json);
  if (!value.is_object()) return {};
  const auto found = value.find(std::string(name));
  if (found == value.end() || found->is_null()) return {};
  return found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_field(std::string_view json, std::string_view name) {
  const Json value = parse(json);
  if (!value.is_object()) return {};
  const auto found = value.find(std::string(name));
  const auto* text = found == value.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::string without_idle_peers(std::string_view status_json) {
  Json value = parse(status_json);
  if (!value.is_object() || !value.contains("Peer") || !value["Peer"].is_object()) {
    return std::string(status_json);
  }
  Json active = Json::object();
  for (const auto& peer : value["Peer"].items()) {
    const Json& fields = peer.value();
    const auto found = fields.is_object() ? fields.find("Active") : fields.end();
    if (found != fields.end() && *found == true) active[peer.key()] = fields;
  }
  value["Peer"] = std::move(active);
  return dump(value, '\t', 1);
}

std::string error_text(std::string_view body) {
  const Json value = parse(body);
  if (!value.is_object()) return std::string(body);
  for (const char* name : {"error", "Error"}) {
    const auto found = value.find(name);
    if (found == value.end()) continue;
    if (const auto* text = found->get_ptr<const std::string*>()) return *text;
  }
  return std::string(body);
}

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_object(
    const std::vector<std::pair<std::string, std::string>>& fields, char indent_with, int count) {
  Json object = Json::object();
  for (const auto& [name, value] : fields) object[name] = parse(value);
  return dump(object, indent_with, count);
}

}  // namespace aya::cli
