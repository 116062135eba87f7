#include "coord-server/nodes/tags.h"

#include <algorithm>

namespace aya::nodes {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool may_give(const TagOwners& owners, const TagGiver& giver, const std::string& tag) {
  if (giver.user != nullptr && owners.owns(*giver.user, tag)) return true;
  return std::ranges::find(giver.held, tag) != giver.held.end() ||
         owners.owns(giver.account, giver.held, tag);
}

}  // namespace

bool is_tag(std::string_view text) {
  if (!text.starts_with("tag:")) return false;
  text.remove_prefix(4);
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

std::string TagRefusal::to_text() const {
  switch (kind) {
    case Kind::Invalid:
      return '"' + tag + "\" is not a tag; want tag: and letters, digits, hyphens";
    case Kind::Undefined:
      return "tag \"" + tag + "\" is not defined in tagOwners";
    case Kind::NotOwned:
      break;
  }
  return "credential does not own tag \"" + tag + '"';
}

std::optional<TagRefusal> refused_tag(
    const TagOwners& owners, const TagGiver& giver, const std::vector<std::string>& wanted) {
  using Kind = TagRefusal::Kind;
  for (const std::string& tag : wanted) {
    if (!is_tag(tag)) return TagRefusal{Kind::Invalid, tag};
    if (!owners.defines(giver.account, tag)) return TagRefusal{Kind::Undefined, tag};
    if (!may_give(owners, giver, tag)) return TagRefusal{Kind::NotOwned, tag};
  }
  return std::nullopt;
}

std::vector<std::string> in_order(std::vector<std::string> tags) {
  std::ranges::sort(tags);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

}  // namespace aya::nodes
