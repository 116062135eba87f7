#include "proto/local/json_fields.h"

namespace aya::local {
namespace {

// Counts brackets outside strings; says nothing about whether they match.
bool nests_too_deeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Json parse_json(std::string_view text) {
  if (nests_too_deeply(text)) return Json(Json::value_t::discarded);
  return Json::parse(text.begin(), text.end(), nullptr, false);
}

std::string dump_indented(const Json& value) {
  return value.dump(1, '\t', false, Json::error_handler_t::replace) + "\n";
}

std::string dump_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json_value(const RawJson& raw) {
  if (raw.empty()) return nullptr;
  Json value = parse_json(raw.text);
  return value.is_discarded() ? Json(nullptr) : value;
}

std::string to_json(const UserProfile& user) { return dump_indented(to_json_value(user)); }
std::string error_json(std::string_view field, std::string_view text) {
  return dump_line(Json{{field, text}});
}
std::string to_json(const RawJson& raw) { return dump_indented(to_json_value(raw)); }
std::string to_json_line(const RawJson& raw) { return dump_line(to_json_value(raw)); }

RawJson to_raw(const Json& value) {
  return value.is_null() ? RawJson{} : RawJson{dump_line(value)};
}

std::string time_text(const std::optional<WallTime>& time) {
  return time ? to_rfc3339(*time) : std::string(kZeroTimeText);
}

Json tri_state(const std::optional<bool>& value) { return value ? Json(*value) : Json(nullptr); }

Json to_json_value(const UserProfile& user) {
  Json object = {
      {"ID", user.id}, {"LoginName", user.login_name}, {"DisplayName", user.display_name}};
  if (!user.profile_pic_url.empty()) object["ProfilePicURL"] = user.profile_pic_url;
  return object;
}

Fields::Fields(const Json& object) : object_(object) {
  if (!object.is_object()) error_ = "expected a JSON object";
}

const Json* Fields::find(const char* name) const {
  if (failed()) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::fail(std::string_view field, std::string_view wanted) {
  if (failed()) return;
  error_ = "field " + std::string(field) + ": expected " + std::string(wanted);
}

void Fields::read(const char* name, bool& out) {
  const Json* value = find(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return fail(name, "true or false");
  out = *value->get_ptr<const bool*>();
}

void Fields::read(const char* name, std::optional<bool>& out) {
  if (!failed() && object_.contains(name) && find(name) == nullptr) out.reset();
  bool value = false;
  if (find(name) == nullptr) return;
  read(name, value);
  if (!failed()) out = value;
}

void Fields::read(const char* name, double& out) {
  const Json* value = find(name);
  if (value == nullptr) return;
  if (!value->is_number()) return fail(name, "a number");
  if (const auto* real = value->get_ptr<const double*>()) {
    out = *real;
  } else if (value->is_number_unsigned()) {
    out = static_cast<double>(*value->get_ptr<const std::uint64_t*>());
  } else {
    out = static_cast<double>(*value->get_ptr<const std::int64_t*>());
  }
}

void Fields::read(const char* name, std::string& out) {
  const Json* value = find(name);
  if (value == nullptr) return;
  const auto* text = value->get_ptr<const std::string*>();
  if (text == nullptr) return fail(name, "text");
  out = *text;
}

void Fields::read(const char* name, std::optional<std::string>& out) {
  std::string value;
  if (find(name) == nullptr) return;
  read(name, value);
  if (!failed()) out = std::move(value);
}

template <class T, class Parse>
void Fields::read_list(
    const char* name, std::vector<T>& out, std::string_view wanted, Parse parse) {
  if (failed() || !object_.contains(name)) return;
  std::vector<T> items;
  if (const Json* value = find(name)) {
    if (!value->is_array()) return fail(name, "a list");
    for (const Json& item : *value) {
      const auto* text = item.get_ptr<const std::string*>();
      auto parsed = text == nullptr ? std::optional<T>() : parse(*text);
      if (!parsed) {
        return fail(name, std::string(wanted) + ", not " + dump_line(item));
      }
      items.push_back(std::move(*parsed));
    }
  }
  out = std::move(items);
}

void Fields::read(const char* name, std::vector<std::string>& out) {
  read_list(name, out, "texts", [](const std::string& text) { return std::optional(text); });
}

void Fields::read(const char* name, std::vector<IpAddress>& out) {
  read_list(name, out, "addresses", [](const std::string& text) { return IpAddress::parse(text); });
}

void Fields::read(const char* name, std::vector<Prefix>& out) {
  read_list(name, out, "prefixes", [](const std::string& text) { return Prefix::parse(text); });
}

void Fields::read(const char* name, std::optional<WallTime>& out) {
  std::string text;
  if (find(name) == nullptr) return;
  read(name, text);
  if (failed()) return;
  const auto time = parse_rfc3339(text);
  if (!time) return fail(name, "a time");
  out = *time == WallTime::min() ? std::nullopt : time;
}

void Fields::read(const char* name, NodePublicKey& out) {
  std::string text;
  if (find(name) == nullptr) return;
  read(name, text);
  if (failed() || text.empty()) return;
  const auto key = NodePublicKey::parse(text);
  if (!key) return fail(name, "a node key");
  out = *key;
}

void Fields::read(const char* name, UserProfile& out) {
  const Json* value = find(name);
  if (value == nullptr) return;
  Fields user(*value);
  user.read("ID", out.id);
  user.read("LoginName", out.login_name);
  user.read("DisplayName", out.display_name);
  user.read("ProfilePicURL", out.profile_pic_url);
  if (user.failed()) fail(name, "a user profile (" + user.error() + ")");
}

void Fields::read(const char* name, RawJson& out) {
  if (const Json* value = find(name)) out = to_raw(*value);
}

}  // namespace aya::local
