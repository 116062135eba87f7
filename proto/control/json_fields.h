// The meeting of structs and JSON members. Each struct has one list of its members, which serves
// both directions:
//
//   template <class Io>
//   void fields(Io& io, Of<Service> auto& s) {
//     io.always("Proto", s.proto);       // written even if empty
//     io.omit("Description", s.text);    // left out if empty, zero or nullopt
//   }
//
// Reading ignores the difference: absent and null leave the default. Private to this room.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "proto/base/base64.h"
#include "proto/base/parse_number.h"
#include "proto/base/strong_id.h"
#include "proto/base/time.h"
#include "proto/control/json_document.h"
#include "proto/control/json_text.h"
#include "proto/control/json_writer.h"
#include "proto/control/register.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"

namespace aya::control {

template <class T, class Struct>
concept Of = std::same_as<std::remove_const_t<T>, Struct>;

enum class Read { Ok, Absent, Bad };  // Absent: as if the member or element were not there

class FieldReader;
class FieldWriter;

template <class T>
concept HasFields = requires(FieldReader& io, T& value) {
  fields(io, value);
};

// ---- one value ----------------------------------------------------------------------------

Read read_value(JsonValue json, bool& out);
Read read_value(JsonValue json, double& out);
Read read_value(JsonValue json, std::string& out);
Read read_value(JsonValue json, Buffer& out);
Read read_value(JsonValue json, RawJson& out);
Read read_value(JsonValue json, std::optional<WallTime>& out);
Read read_value(JsonValue json, WallTime& out) = delete;  // "unset" needs the optional
// Where absent means "unchanged" and "unset" is a value of its own.
Read read_value(JsonValue json, std::optional<std::optional<WallTime>>& out);
Read read_value(JsonValue json, IpAddress& out);
Read read_value(JsonValue json, Prefix& out);
Read read_value(JsonValue json, Endpoint& out);
Read read_value(JsonValue json, NetworkLockPublicKey& out);

void write_value(JsonWriter& json, bool value);
void write_value(JsonWriter& json, double value);
void write_value(JsonWriter& json, const std::string& value);
void write_value(JsonWriter& json, const Buffer& value);
void write_value(JsonWriter& json, const RawJson& value);
void write_value(JsonWriter& json, const std::optional<WallTime>& value);
void write_value(JsonWriter& json, const IpAddress& value);
void write_value(JsonWriter& json, const Prefix& value);
void write_value(JsonWriter& json, const Endpoint& value);
void write_value(JsonWriter& json, const std::vector<RawJson>& value);  // empty is null

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <Integer T>
Read read_value(JsonValue json, T& out) {
  if (json.is_null()) return Read::Absent;
  const auto value = json.integer();
  if (!value || !std::in_range<T>(*value)) return Read::Bad;
  out = static_cast<T>(*value);
  return Read::Ok;
}
template <Integer T>
void write_value(JsonWriter& json, T value) {
  json.integer(static_cast<std::int64_t>(value));
}

template <class T>
requires std::is_enum_v<T> Read read_value(JsonValue json, T& out) {
  std::underlying_type_t<T> number{};
  const Read read = read_value(json, number);
  if (read == Read::Ok) out = static_cast<T>(number);
  return read;
}
template <class T>
requires std::is_enum_v<T>
void write_value(JsonWriter& json, T value) { json.integer(static_cast<std::int64_t>(value)); }

template <class Tag, class T>
Read read_value(JsonValue json, StrongId<Tag, T>& out) {
  return read_value(json, out.value);
}
template <class Tag, class T>
void write_value(JsonWriter& json, StrongId<Tag, T> value) {
  json.integer(static_cast<std::int64_t>(value.value));
}

template <class Role>
Read read_value(JsonValue json, PublicKey<Role>& out) {
  if (json.is_null()) return Read::Absent;
  const std::string* text = json.text();
  if (text == nullptr) return Read::Bad;
  const auto key = PublicKey<Role>::parse(*text);
  if (!key) return Read::Bad;
  out = *key;
  return Read::Ok;
}
template <class Role>
void write_value(JsonWriter& json, const PublicKey<Role>& value) {
  json.text(value.to_text());
}

// ---- containers (declared before use by each other) -----------------------------------------

template <class T>
Read read_value(JsonValue json, std::optional<T>& out);
template <class T>
Read read_value(JsonValue json, std::vector<T>& out);
template <class K, class V>
Read read_value(JsonValue json, std::map<K, V>& out);
template <HasFields T>
Read read_value(JsonValue json, T& out);

template <class T>
void write_value(JsonWriter& json, const std::optional<T>& value);
template <class T>
void write_value(JsonWriter& json, const std::vector<T>& value);
template <class K, class V>
void write_value(JsonWriter& json, const std::map<K, V>& value);
template <HasFields T>
void write_value(JsonWriter& json, const T& value);

// ---- presence -------------------------------------------------------------------------------

template <class T>
bool is_absent(const T& value) {
  if constexpr (requires { value.has_value(); }) {
    return !value.has_value();
  } else if constexpr (requires { value.is_zero(); }) {
    return value.is_zero();
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return value == T{};
  }
}

// ---- one object -----------------------------------------------------------------------------

class FieldReader {
 public:
  explicit FieldReader(JsonValue object) : members_(object.members()) {
    taken_.resize(members_.size());
  }

  template <class T>
  void always(std::string_view name, T& out) {
    if (const auto value = take(name); value && !failed_) {
      failed_ = read_value(*value, out) == Read::Bad;
    }
  }
  template <class T>
  void omit(std::string_view name, T& out) {
    always(name, out);
  }
  // A relay region. One that cannot be ours must not cost us the document: it reads as 0, "none".
  void region(std::string_view name, RegionId& out);
  // Whatever no other call took. Comes last in a list.
  void others(std::map<std::string, RawJson>& out);

  bool failed() const { return failed_; }

 private:
  // The member of exactly this name, else the first that differs only in case (control 5).
  std::optional<JsonValue> take(std::string_view name);

  std::vector<JsonValue::Member> members_;
  std::vector<bool> taken_;
  bool failed_ = false;
};

class FieldWriter {
 public:
  explicit FieldWriter(JsonWriter& json) : json_(json) {}

  template <class T>
  void always(std::string_view name, const T& value) {
    json_.key(name);
    write_value(json_, value);
  }
  template <class T>
  void omit(std::string_view name, const T& value) {
    if (!is_absent(value)) always(name, value);
  }
  void region(std::string_view name, RegionId value) { omit(name, value); }
  void others(const std::map<std::string, RawJson>& values);

 private:
  JsonWriter& json_;
};

// ---- map keys -------------------------------------------------------------------------------

inline Read read_key(std::string_view text, std::string& out) {
  out = text;
  return Read::Ok;
}
template <Integer T>
Read read_key(std::string_view text, T& out) {
  const auto value = parse_number<std::int64_t>(text);
  if (!value) return Read::Bad;
  if (!std::in_range<T>(*value)) return Read::Absent;
  out = static_cast<T>(*value);
  return Read::Ok;
}
template <class Tag, class T>
Read read_key(std::string_view text, StrongId<Tag, T>& out) {
  return read_key(text, out.value);
}
inline std::string key_text_of(const std::string& key) { return key; }
template <Integer T>
std::string key_text_of(T key) {
  return std::to_string(key);
}
template <class Tag, class T>
std::string key_text_of(StrongId<Tag, T> key) {
  return std::to_string(key.value);
}

// ---- definitions ----------------------------------------------------------------------------

template <class T>
Read read_value(JsonValue json, std::optional<T>& out) {
  if (json.is_null()) return Read::Absent;
  const Read read = read_value(json, out.emplace());
  if (read != Read::Ok) out.reset();
  return read;
}
template <class T>
void write_value(JsonWriter& json, const std::optional<T>& value) {
  if (value) {
    write_value(json, *value);
  } else {
    json.null();
  }
}

template <class T>
Read read_value(JsonValue json, std::vector<T>& out) {
  if (json.is_null()) return Read::Absent;
  if (!json.is_array()) return Read::Bad;
  out.clear();
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const Read read = read_value(json.element(i), out.emplace_back());
    if (read == Read::Bad) return Read::Bad;
    if (read == Read::Absent) out.pop_back();
  }
  return Read::Ok;
}
template <class T>
void write_value(JsonWriter& json, const std::vector<T>& value) {
  json.begin_array();
  for (const T& element : value) write_value(json, element);
  json.end_array();
}

// A null stays in the map where null has a meaning of its own (an optional: delete; a list: empty)
// and is left out where it has none.
template <class K, class V>
Read read_value(JsonValue json, std::map<K, V>& out) {
  if (json.is_null()) return Read::Absent;
  if (!json.is_object()) return Read::Bad;
  out.clear();
  for (const JsonValue::Member& member : json.members()) {
    K key{};
    const Read key_read = read_key(member.name, key);
    if (key_read == Read::Bad) return Read::Bad;
    V value{};
    if (read_value(member.value, value) == Read::Bad) return Read::Bad;
    const bool dropped = HasFields<V> && member.value.is_null();
    if (key_read == Read::Ok && !dropped) out.insert_or_assign(std::move(key), std::move(value));
  }
  return Read::Ok;
}
template <class K, class V>
void write_value(JsonWriter& json, const std::map<K, V>& value) {
  json.begin_object();
  for (const auto& [key, element] : value) {
    json.key(key_text_of(key));
    write_value(json, element);
  }
  json.end_object();
}

template <HasFields T>
Read read_value(JsonValue json, T& out) {
  if (json.is_null()) return Read::Absent;
  if (!json.is_object()) return Read::Bad;
  FieldReader io(json);
  fields(io, out);
  return io.failed() ? Read::Bad : Read::Ok;
}
template <HasFields T>
void write_value(JsonWriter& json, const T& value) {
  json.begin_object();
  FieldWriter io(json);
  fields(io, value);
  json.end_object();
}

}  // namespace aya::control
