#include "proto/control/json_fields.h"

namespace aya::control {
namespace {

// Names are ASCII; anything else only equals itself.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

// Texts of addresses, which are empty for "none". `skip_zones`: an address with a zone means
// something on one machine only, and is passed over rather than refused.
template <class T>
Read read_address(JsonValue json, T& out, bool skip_zones) {
  if (json.is_null()) return Read::Absent;
  const std::string* text = json.text();
  if (text == nullptr) return Read::Bad;
  if (text->empty()) return Read::Absent;
  if (skip_zones && text->find('%') != std::string::npos) return Read::Absent;
  const auto value = T::parse(*text);
  if (!value) return Read::Bad;
  out = *value;
  return Read::Ok;
}

}  // namespace

Read read_value(JsonValue json, bool& out) {
  if (json.is_null()) return Read::Absent;
  const auto value = json.boolean();
  if (!value) return Read::Bad;
  out = *value;
  return Read::Ok;
}

Read read_value(JsonValue json, double& out) {
  if (json.is_null()) return Read::Absent;
  const auto value = json.number();
  if (!value) return Read::Bad;
  out = *value;
  return Read::Ok;
}

Read read_value(JsonValue json, std::string& out) {
  if (json.is_null()) return Read::Absent;
  const std::string* value = json.text();
  if (value == nullptr) return Read::Bad;
  out = *value;
  return Read::Ok;
}

Read read_value(JsonValue json, Buffer& out) {
  if (json.is_null()) return Read::Absent;
  const std::string* text = json.text();
  if (text == nullptr) return Read::Bad;
  auto bytes = parse_base64(*text);
  if (!bytes) return Read::Bad;
  out = std::move(*bytes);
  return Read::Ok;
}

Read read_value(JsonValue json, RawJson& out) {
  out.text = json.to_compact_text();
  return Read::Ok;
}

Read read_value(JsonValue json, std::optional<WallTime>& out) {
  out.reset();
  if (json.is_null()) return Read::Absent;
  const std::string* text = json.text();
  if (text == nullptr) return Read::Bad;
  const auto time = parse_rfc3339(*text);
  if (!time) return Read::Bad;
  if (*time == WallTime::min()) return Read::Absent;  // the year-1 "unset"
  out = *time;
  return Read::Ok;
}

Read read_value(JsonValue json, std::optional<std::optional<WallTime>>& out) {
  if (json.is_null()) return Read::Absent;
  return read_value(json, out.emplace()) == Read::Bad ? Read::Bad : Read::Ok;
}

Read read_value(JsonValue json, IpAddress& out) { return read_address(json, out, true); }
Read read_value(JsonValue json, Prefix& out) { return read_address(json, out, false); }
Read read_value(JsonValue json, Endpoint& out) { return read_address(json, out, true); }

Read read_value(JsonValue json, NetworkLockPublicKey& out) {
  if (json.is_null()) return Read::Absent;
  const std::string* text = json.text();
  if (text == nullptr) return Read::Bad;
  constexpr std::string_view kDisplayPrefix = "tlpub:";
  auto key = NetworkLockPublicKey::parse(*text);
  if (!key && text->starts_with(kDisplayPrefix)) {
    key = NetworkLockPublicKey::parse("nlpub:" + text->substr(kDisplayPrefix.size()));
  }
  if (!key) return Read::Bad;
  out = *key;
  return Read::Ok;
}

void write_value(JsonWriter& json, bool value) { json.boolean(value); }
void write_value(JsonWriter& json, double value) { json.number(value); }
void write_value(JsonWriter& json, const std::string& value) { json.text(value); }

void write_value(JsonWriter& json, const Buffer& value) {
  if (value.empty()) {
    json.null();
  } else {
    json.text(to_base64(value));
  }
}

void write_value(JsonWriter& json, const RawJson& value) {
  json.literal(value.text.empty() ? "null" : std::string_view(value.text));
}

void write_value(JsonWriter& json, const std::optional<WallTime>& value) {
  if (value) {
    json.text(to_rfc3339(*value));
  } else {
    json.text(kZeroTimeText);
  }
}

void write_value(JsonWriter& json, const IpAddress& value) { json.text(value.to_text()); }
void write_value(JsonWriter& json, const Prefix& value) { json.text(value.to_text()); }
void write_value(JsonWriter& json, const Endpoint& value) { json.text(value.to_text()); }

void write_value(JsonWriter& json, const std::vector<RawJson>& value) {
  if (value.empty()) return json.null();
  json.begin_array();
  for (const RawJson& element : value) write_value(json, element);
  json.end_array();
}

std::optional<JsonValue> FieldReader::take(std::string_view name) {
  const auto exact = std::ranges::lower_bound(members_, name, {}, &JsonValue::Member::name);
  auto found = exact;
  if (exact == members_.end() || exact->name != name) {
    found = std::ranges::find_if(
        members_, [&](const auto& member) { return equal_but_for_case(member.name, name); });
  }
  if (found == members_.end()) return std::nullopt;
  taken_[static_cast<std::size_t>(found - members_.begin())] = true;
  return found->value;
}

void FieldReader::region(std::string_view name, RegionId& out) {
  std::int64_t number = 0;
  always(name, number);
  out = std::in_range<RegionId>(number) ? static_cast<RegionId>(number) : RegionId{0};
}

void FieldReader::others(std::map<std::string, RawJson>& out) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (taken_[i] || members_[i].value.is_null()) continue;
    out.emplace(members_[i].name, RawJson{members_[i].value.to_compact_text()});
  }
}

void FieldWriter::others(const std::map<std::string, RawJson>& values) {
  for (const auto& [name, value] : values) always(name, value);
}

}  // namespace aya::control
