#include "proto/local/start_request.h"

#include "proto/local/prefs_fields.h"

namespace aya::local {

std::string to_json(const StartRequest& request) {
  Json out = Json::object();
  out["UpdatePrefs"] = request.update_prefs ? to_json_value(*request.update_prefs) : Json(nullptr);
  if (!request.auth_key.empty()) out["AuthKey"] = request.auth_key;
  return dump_line(out);
}

Result<StartRequest, std::string> parse_start_request(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return std::string("invalid JSON body");
  Fields in(value);
  StartRequest out;
  in.read("AuthKey", out.auth_key);
  if (const Json* prefs = in.find("UpdatePrefs")) {
    auto parsed = parse_prefs(dump_line(*prefs));
    if (!parsed) return std::move(parsed).error();
    out.update_prefs = *std::move(parsed);
  }
  if (in.failed()) return in.error();
  return out;
}

}  // namespace aya::local
