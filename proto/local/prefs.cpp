#include "proto/local/prefs.h"

#include <algorithm>
#include <type_traits>

#include "proto/local/prefs_fields.h"

namespace aya::local {
namespace {

// Where deployed clients expect keys they get zeros: keys never leave the daemon.
const std::string& zero_private_key() {
  static const std::string text = "privkey:" + std::string(64, '0');
  return text;
}
const std::string& zero_lock_key() {
  static const std::string text = "nlpriv:" + std::string(128, '0');
  return text;
}

Json field_value(bool value) { return value; }
Json field_value(const std::string& value) { return value; }
Json field_value(const std::vector<std::string>& value) { return list_or_null(value); }
Json field_value(const std::vector<Prefix>& value) { return list_or_null(value); }
Json field_value(const std::vector<RouteMap>& value) { return list_or_null(value); }
Json field_value(const std::optional<bool>& value) { return tri_state(value); }
Json field_value(NetfilterMode value) { return static_cast<int>(value); }
Json field_value(const std::optional<std::uint16_t>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <class T>
void read_value(Fields& in, const char* name, T& out) {
  in.read(name, out);
}
void read_value(Fields& in, const char* name, std::optional<std::uint16_t>& out) {
  std::uint16_t value = 0;
  if (in.find(name) == nullptr) return;
  in.read(name, value);
  if (!in.failed()) out = value;
}
void read_value(Fields& in, const char* name, std::vector<RouteMap>& out) {
  std::vector<std::string> texts;
  in.read(name, texts);
  if (in.failed() || in.find(name) == nullptr) return;
  out.clear();
  for (const std::string& text : texts) {
    const auto map = parse_route_map(text);
    if (!map) return in.fail(name, "a list of OFFERED=REAL (" + map.error() + ")");
    out.push_back(*map);
  }
}
void read_value(Fields& in, const char* name, NetfilterMode& out) {
  int value = 0;
  if (in.find(name) == nullptr) return;
  in.read(name, value);
  if (in.failed()) return;
  if (value < 0 || value > 2) return in.fail(name, "0, 1 or 2");
  out = static_cast<NetfilterMode>(value);
}

template <class T>
void read_field(Fields& in, std::string_view name, T& out) {
  const FieldName field(name);
  if (field.outer.empty()) return read_value(in, field.inner.c_str(), out);
  const Json* object = in.find(field.outer.c_str());
  if (object == nullptr) return;
  Fields nested(*object);
  read_value(nested, field.inner.c_str(), out);
  if (nested.failed()) in.fail(field.outer, "an object (" + nested.error() + ")");
}

void put_field(Json& out, std::string_view name, Json value) {
  const FieldName field(name);
  (field.outer.empty() ? out : out[field.outer])[field.inner] = std::move(value);
}

Json config_value(const std::optional<PrefsConfig>& config) {
  if (!config) return nullptr;
  return {
      {"PrivateNodeKey", zero_private_key()},
      {"OldPrivateNodeKey", zero_private_key()},
      {"UserProfile", to_json_value(config->user)},
      {"NetworkLockKey", zero_lock_key()},
      {"NodeID", config->node_id}};
}

void read_config(Fields& in, Prefs& out) {
  const Json* value = in.find("Config");
  if (value == nullptr) return;
  Fields config(*value);
  PrefsConfig read;
  config.read("UserProfile", read.user);
  config.read("NodeID", read.node_id);
  if (config.failed()) return in.fail("Config", "an object (" + config.error() + ")");
  out.config = std::move(read);
}

// Is the bit "<field>Set" of a masked edit there? AutoUpdateSet alone is an object of bits.
bool read_mask_bit(Fields& in, std::string_view name) {
  const FieldName field(name);
  bool bit = false;
  if (field.outer == "AutoUpdate") {
    read_field(in, "AutoUpdateSet." + field.inner + "Set", bit);
  } else {
    in.read(((field.outer.empty() ? field.inner : field.outer) + "Set").c_str(), bit);
  }
  return bit;
}

void put_mask_bit(Json& out, std::string_view name) {
  const FieldName field(name);
  if (field.outer == "AutoUpdate") {
    out["AutoUpdateSet"][field.inner + "Set"] = true;
  } else {
    out[(field.outer.empty() ? field.inner : field.outer) + "Set"] = true;
  }
}

// What an encoder that knows nothing of our defaults means by leaving a field out.
Prefs all_zero() {
  Prefs prefs;
  visit_fields(
      [](std::string_view, Printed, auto& value) {
        value = std::remove_cvref_t<decltype(value)>{};
      },
      prefs);
  return prefs;
}

}  // namespace

Json to_json_value(const Prefs& prefs) {
  Json out = Json::object();
  visit_fields(
      [&out](std::string_view name, Printed printed, const auto& value) {
        const bool unset = value == std::remove_cvref_t<decltype(value)>{};
        if (printed == Printed::Always || !unset) put_field(out, name, field_value(value));
      },
      prefs);
  out["DriveShares"] = nullptr;
  out["Config"] = config_value(prefs.config);
  return out;
}

void read_prefs(Fields& in, Prefs& out) {
  visit_fields(
      [&in](std::string_view name, Printed, auto& value) { read_field(in, name, value); }, out);
  read_config(in, out);
}

bool Prefs::advertises_exit_node() const {
  const auto offers = [this](std::string_view text) {
    return std::ranges::find(advertise_routes, *Prefix::parse(text)) != advertise_routes.end();
  };
  return offers("0.0.0.0/0") && offers("::/0");
}

Prefix Prefs::real_network(const Prefix& advertised) const {
  const auto map = std::ranges::find(route_maps, advertised, &RouteMap::offered);
  return map == route_maps.end() ? advertised : map->real;
}

bool MaskedPrefs::sets(std::string_view field) const {
  return std::ranges::find(mask, field) != mask.end();
}

void MaskedPrefs::set(std::string_view field) {
  if (!sets(field)) mask.emplace_back(field);
}

std::string to_json(const Prefs& prefs) { return dump_indented(to_json_value(prefs)); }
std::string to_json_line(const Prefs& prefs) { return dump_line(to_json_value(prefs)); }

std::string to_json(const MaskedPrefs& edit) {
  Json out = Json::object();
  visit_fields(
      [&](std::string_view name, Printed, const auto& value) {
        if (!edit.sets(name)) return;
        put_field(out, name, field_value(value));
        put_mask_bit(out, name);
      },
      edit.values);
  return dump_line(out);
}

Result<Prefs, std::string> parse_prefs(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return std::string("invalid JSON body");
  Fields in(value);
  Prefs out = all_zero();
  read_prefs(in, out);
  if (in.failed()) return in.error();
  return out;
}

Result<MaskedPrefs, std::string> parse_masked_prefs(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return std::string("invalid JSON body");
  Fields in(value);
  MaskedPrefs out{all_zero(), {}};
  read_prefs(in, out.values);
  visit_fields(
      [&](std::string_view name, Printed, const auto&) {
        if (read_mask_bit(in, name)) out.set(name);
      },
      out.values);
  if (in.failed()) return in.error();
  return out;
}

}  // namespace aya::local
