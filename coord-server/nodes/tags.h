// Tags: a node that has any belongs to no person but to what it is there for (control T-36).
//
// Who may give which is said by the policy file (interfaces 5, tagOwners); TagOwners is that
// question, so that whoever asks it need not know policies.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/store/records.h"

namespace aya::nodes {

// In maps, all nodes with tags are shown as this one's (control 7).
inline constexpr store::UserId kTaggedDevices{2147455555};
inline store::UserId shown_user(const store::NodeRecord& node) {
  return node.tags.empty() ? node.user : kTaggedDevices;
}

// "tag:" and a letter, then letters, digits and hyphens.
bool is_tag(std::string_view text);

class TagOwners {
 public:
  virtual ~TagOwners() = default;
  virtual bool defines(store::AccountId account, std::string_view tag) const = 0;
  virtual bool owns(const store::User& user, std::string_view tag) const = 0;
  // Does one of `held` stand among the owners of `tag`?
  virtual bool owns(
      store::AccountId account, std::span<const std::string> held, std::string_view tag) const = 0;
};

// Somebody who wants to give tags: a person, or a credential that holds tags itself.
struct TagGiver {
  store::AccountId account;
  const store::User* user = nullptr;  // nullptr: no person stands behind it
  std::span<const std::string> held;  // may be given, as may what these own
};

struct TagRefusal {
  enum class Kind { Invalid, Undefined, NotOwned } kind;
  std::string tag;
  std::string to_text() const;
};

// The first of `wanted` that `giver` may not give.
std::optional<TagRefusal> refused_tag(
    const TagOwners& owners, const TagGiver& giver, const std::vector<std::string>& wanted);

// Sorted, each once.
std::vector<std::string> in_order(std::vector<std::string> tags);

}  // namespace aya::nodes
