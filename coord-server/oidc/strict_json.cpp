#include "coord-server/oidc/strict_json.h"

#include <set>

namespace aya::oidc {
namespace {

constexpr int kDeepest = 16;

}  // namespace

std::optional<Json> parse_object(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return std::nullopt;
  bool good = true;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepest) good = false;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      good = good && names.back().insert(parsed.get_ref<const std::string&>()).second;
    }
    return good;  // what is not wanted is not built
  };
  Json out = Json::parse(text, look, false);
  if (!good || out.is_discarded() || !out.is_object()) return std::nullopt;
  return out;
}

std::string text_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

std::vector<std::string> texts_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  std::vector<std::string> out;
  if (!found->is_array()) return out;
  for (const Json& item : *found) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace aya::oidc
