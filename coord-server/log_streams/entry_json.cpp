#include "coord-server/log_streams/entry_json.h"

namespace aya::log_streams {
namespace {

using Json = nlohmann::json;

Json parsed_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

// What clients expect of every actor, also of one that is no person.
Json actor_json(const std::string& text) {
  Json actor = Json::parse(text, nullptr, false);
  if (!actor.is_object()) actor = Json::object();
  for (const char* name : {"id", "loginName", "displayName"}) actor.emplace(name, "");
  return actor;
}

}  // namespace

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

nlohmann::json entry_json(const store::AuditEntry& entry) {
  Json target = {{"id", entry.target_id}, {"name", entry.target_name}, {"type", entry.target_type}};
  if (!entry.property.empty()) target["property"] = entry.property;
  Json out = {
      {"eventTime", to_rfc3339(entry.time)},
      {"type", "CONFIG"},
      {"deferredAt", kZeroTimeText},
      {"eventGroupID", entry.group},
      {"origin", entry.origin},
      {"actor", actor_json(entry.actor)},
      {"target", std::move(target)},
      {"action", entry.action},
      {"old", parsed_or_null(entry.old_value)},
      {"new", parsed_or_null(entry.new_value)}};
  if (!entry.details.empty()) out["actionDetails"] = entry.details;
  if (!entry.source.empty()) out["ayatori"] = {{"source", entry.source}};
  return out;
}

}  // namespace aya::log_streams
