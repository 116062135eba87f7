#include "coord-server/nodes/tags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace aya::nodes {
namespace {

TEST(Tags, AreAWordBehindAPrefix) {
  for (const char* good : {"tag:a", "tag:web-1", "tag:Prod"}) EXPECT_TRUE(is_tag(good)) << good;
  for (const char* bad : {"", "tag:", "web", "tag:1", "tag:-a", "tag:a b", "tag:a,b", "tag:ä"}) {
    EXPECT_FALSE(is_tag(bad)) << bad;
  }
}

// tag:db belongs to alice, tag:replica to tag:db.
class Owners : public TagOwners {
 public:
  bool defines(store::AccountId, std::string_view tag) const override {
    return tag == "tag:db" || tag == "tag:replica";
  }
  bool owns(const store::User& user, std::string_view tag) const override {
    return user.login == "alice" && tag == "tag:db";
  }
  bool owns(
      store::AccountId, std::span<const std::string> held, std::string_view tag) const override {
    return tag == "tag:replica" && std::ranges::count(held, "tag:db") > 0;
  }
};

struct Case {
  const char* giver;
  const char* tag;
  std::optional<TagRefusal::Kind> refused;
};

TEST(Tags, AreGivenByOwnersHoldersAndWhoHoldsAnOwner) {
  using Kind = TagRefusal::Kind;
  const Owners owners;
  const std::vector<std::string> held = {"tag:db"};
  store::User alice, bob;
  alice.login = "alice";
  bob.login = "bob";
  const std::map<std::string, TagGiver> givers = {
      {"alice", {{}, &alice, {}}}, {"bob", {{}, &bob, {}}}, {"client", {{}, nullptr, held}}};
  for (const Case& c : {
           Case{"alice", "tag:db", {}},
           Case{"alice", "tag:replica", Kind::NotOwned},
           Case{"alice", "tag:other", Kind::Undefined},
           Case{"alice", "db", Kind::Invalid},
           Case{"bob", "tag:db", Kind::NotOwned},
           Case{"client", "tag:db", {}},
           Case{"client", "tag:replica", {}},
           Case{"client", "tag:other", Kind::Undefined},
       }) {
    const auto refused = refused_tag(owners, givers.at(c.giver), {c.tag});
    EXPECT_EQ(refused.has_value(), c.refused.has_value()) << c.giver << ' ' << c.tag;
    if (refused && c.refused) {
      EXPECT_EQ(refused->kind, *c.refused) << c.giver << ' ' << c.tag;
    }
  }
}

}  // namespace
}  // namespace aya::nodes
