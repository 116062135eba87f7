#include "coord-server/commands/policy_diff.h"

#include <algorithm>
#include <set>

#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/hujson/hujson.h"

namespace aya::coord {
namespace {

using Lines = std::vector<std::string>;

Json meaning(std::string_view text) {
  const auto value = hujson::parse(text);
  return value ? parse_json(hujson::to_json(*value)) : Json::object();
}

void add(Lines& out, char sign, const std::string& where, const Json& value) {
  out.push_back(std::string(1, sign) + ' ' + printable(where + ' ' + value.dump()));
}

// Those of `list` that `other` does not have, each as often as it has fewer of them.
void only_in(Lines& out, char sign, const std::string& where, const Json& list, Json other) {
  for (const Json& item : list) {
    const auto found = std::find(other.begin(), other.end(), item);
    if (found == other.end()) {
      add(out, sign, where, item);
    } else {
      other.erase(found);
    }
  }
}

void compare_members(Lines& out, const std::string& where, const Json& before, const Json& after);

void compare(Lines& out, const std::string& where, const Json* before, const Json* after) {
  if (before != nullptr && after != nullptr) {
    if (*before == *after) return;
    if (before->is_object() && after->is_object())
      return compare_members(out, where, *before, *after);
    if (before->is_array() && after->is_array()) {
      only_in(out, '-', where, *before, *after);
      only_in(out, '+', where, *after, *before);
      return;
    }
  }
  if (before != nullptr) add(out, '-', where, *before);
  if (after != nullptr) add(out, '+', where, *after);
}

void compare_members(Lines& out, const std::string& where, const Json& before, const Json& after) {
  std::set<std::string> names;
  for (const Json* side : {&before, &after}) {
    for (const auto& [name, value] : side->items()) names.insert(name);
  }
  const auto member = [](const Json& object, const std::string& name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  };
  for (const std::string& name : names) {
    compare(
        out, where.empty() ? name : where + '.' + name, member(before, name), member(after, name));
  }
}

}  // namespace

std::vector<std::string> policy_changes(std::string_view before, std::string_view after) {
  const Json first = meaning(before), second = meaning(after);
  Lines out;
  if (first.is_object() && second.is_object()) compare_members(out, "", first, second);
  return out;
}

}  // namespace aya::coord
