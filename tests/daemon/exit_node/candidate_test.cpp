// Which candidate is best, as a table.
#include "daemon/exit_node/candidate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::exit_node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Candidate node(std::string id, RegionId home = 1, std::int64_t priority = 0) {
  Candidate out;
  out.id = std::move(id);
  out.online = true;
  out.home = home;
  out.priority = priority;
  return out;
}
Candidate offline(Candidate one) {
  one.online = false;
  return one;
}
Candidate suggested(Candidate one) {
  one.suggested = true;
  return one;
}

std::vector<std::string> ids(const std::vector<const Candidate*>& ranked) {
  std::vector<std::string> out;
  for (const Candidate* one : ranked) out.push_back(one->id);
  return out;
}

struct Row {
  std::string name;
  std::vector<Candidate> candidates;
  Distances distances;
  Among among;
  std::vector<std::string> order;
};

TEST(Preference, IsByRelayThenPriorityThenAnswerThenId) {
  const std::map<RegionId, Duration> relays = {{1, 20ms}, {2, 90ms}};
  const std::vector<Row> rows = {
      {"nobody", {}, {}, Among::Any, {}},
      {"equal ones by id", {node("c"), node("a"), node("b")}, {}, Among::Any, {"a", "b", "c"}},
      {"offline ones are none", {offline(node("a")), node("b")}, {}, Among::Any, {"b"}},
      {"the nearer relay", {node("a", 2), node("b", 1)}, {relays, {}}, Among::Any, {"b", "a"}},
      {"an unmeasured relay is far",
       {node("a", 3), node("b", 2), node("c", 0)},
       {relays, {}},
       Among::Any,
       {"b", "a", "c"}},
      {"priority among one relay's",
       {node("a"), node("b", 1, 50)},
       {relays, {}},
       Among::Any,
       {"b", "a"}},
      {"not across relays", {node("a", 1), node("b", 2, 50)}, {relays, {}}, Among::Any, {"a", "b"}},
      {"the quicker answer",
       {node("a"), node("b"), node("c")},
       {relays, {{"a", 80ms}, {"b", 10ms}}},
       Among::Any,
       {"b", "a", "c"}},
      {"only those to be proposed, where there are some",
       {node("a"), suggested(node("b", 2))},
       {relays, {}},
       Among::Any,
       {"b"}},
      {"all, where those are offline",
       {node("a"), offline(suggested(node("b")))},
       {relays, {}},
       Among::Any,
       {"a"}},
      {"none is proposed without being meant to", {node("a")}, {}, Among::Suggested, {}},
      {"proposed", {node("a"), suggested(node("b"))}, {}, Among::Suggested, {"b"}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ids(by_preference(row.candidates, row.distances, row.among)), row.order) << row.name;
  }
}

TEST(Preference, OnlyAClearGainIsWorthCuttingConnections) {
  struct Gain {
    Candidate other, current;
    Distances distances;
    bool better;
  };
  const auto relays = [](Duration one, Duration two) {
    return Distances{{{1, one}, {2, two}}, {}};
  };
  const auto answers = [](Duration a, Duration b) { return Distances{{}, {{"a", a}, {"b", b}}}; };
  const std::vector<Gain> rows = {
      {node("a", 1), node("b", 2), relays(20ms, 90ms), true},
      {node("a", 1), node("b", 2), relays(20ms, 35ms), false},    // 15 ms
      {node("a", 1), node("b", 2), relays(200ms, 250ms), false},  // a fifth
      {node("a", 2), node("b", 1), relays(20ms, 90ms), false},
      {node("a"), node("b"), answers(10ms, 80ms), true},
      {node("a"), node("b"), answers(10ms, 29ms), false},
      {node("a"), node("b"), {}, false},
      {node("a", 1, 9), node("b", 1, 5), {}, true},
      {node("a", 1, 5), node("b", 1, 9), answers(1ms, 900ms), false},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(clearly_better(rows[i].other, rows[i].current, rows[i].distances), rows[i].better)
        << i;
  }
}

}  // namespace
}  // namespace aya::exit_node
