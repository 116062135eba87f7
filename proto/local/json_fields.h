// Private to this room's sources: reading and writing JSON objects without throwing.
//
// Fields remembers the first failure, so a list of fields reads straight down and is checked once.
// Absent and null fields leave their variable alone; a field of another type is a failure.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/time.h"
#include "proto/keys/public_key.h"
#include "proto/local/raw_json.h"
#include "proto/local/user_profile.h"
#include "proto/netaddr/prefix.h"

namespace aya::local {

using Json = nlohmann::ordered_json;  // keeps the order in which we write

// Deeper than anything that exists; keeps recursion over strangers' values shallow.
inline constexpr int kMaxJsonDepth = 64;

// Discarded where the text is not JSON or nests too deeply.
Json parse_json(std::string_view text);
std::string dump_indented(const Json& value);  // one tab a level, and a final newline
std::string dump_line(const Json& value);

Json to_json_value(const RawJson& raw);  // null where empty or not JSON
RawJson to_raw(const Json& value);       // empty where null

// Go's habit, which clients know: an empty list prints as null.
template <class T>
Json list_or_null(const std::vector<T>& items) {
  if (items.empty()) return nullptr;
  Json list = Json::array();
  for (const T& item : items) {
    if constexpr (requires { item.to_text(); }) {
      list.push_back(item.to_text());
    } else {
      list.push_back(item);
    }
  }
  return list;
}
std::string time_text(const std::optional<WallTime>& time);
Json tri_state(const std::optional<bool>& value);
Json to_json_value(const UserProfile& user);

class Fields {
 public:
  // Fails at once where `object` is not an object. Borrowed for the life of the reader.
  explicit Fields(const Json& object);

  void read(const char* name, bool& out);
  void read(const char* name, std::optional<bool>& out);  // null resets
  void read(const char* name, double& out);
  void read(const char* name, std::string& out);
  void read(const char* name, std::optional<std::string>& out);
  void read(const char* name, std::vector<std::string>& out);  // null empties
  void read(const char* name, std::vector<IpAddress>& out);
  void read(const char* name, std::vector<Prefix>& out);
  void read(const char* name, std::optional<WallTime>& out);  // year 1 resets
  void read(const char* name, NodePublicKey& out);
  void read(const char* name, UserProfile& out);
  void read(const char* name, RawJson& out);

  template <std::integral Int>
  void read(const char* name, Int& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!fits<Int>(*value)) return fail(name, "a whole number in range");
    out = value->is_number_unsigned() ? static_cast<Int>(*value->get_ptr<const std::uint64_t*>())
                                      : static_cast<Int>(*value->get_ptr<const std::int64_t*>());
  }

  // The value where the field is there and not null.
  const Json* find(const char* name) const;
  void fail(std::string_view field, std::string_view wanted);
  bool failed() const { return !error_.empty(); }
  // Which field was wrong and what it should be.
  const std::string& error() const { return error_; }

 private:
  template <class Int>
  static bool fits(const Json& value) {
    if (value.is_number_unsigned()) {
      return *value.get_ptr<const std::uint64_t*>() <=
             static_cast<std::uint64_t>(std::numeric_limits<Int>::max());
    }
    if (!value.is_number_integer()) return false;
    const std::int64_t number = *value.get_ptr<const std::int64_t*>();
    return std::in_range<Int>(number);
  }
  template <class T, class Parse>
  void read_list(const char* name, std::vector<T>& out, std::string_view wanted, Parse parse);

  const Json& object_;
  std::string error_;
};

}  // namespace aya::local
