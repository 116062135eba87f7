#include "daemon/exit_node/candidate.h"

#include <algorithm>
#include <tuple>

namespace aya::exit_node {
namespace {

constexpr Duration kWorthMoving = 20ms;

template <class Key>
std::optional<Duration> find(const std::map<Key, Duration>& known, const Key& key) {
  const auto found = known.find(key);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

Duration or_far(std::optional<Duration> distance) { return distance.value_or(Duration::max()); }

bool is_clearly_less(Duration a, Duration b) { return a + kWorthMoving < b && a * 3 < b * 2; }

}  // namespace

std::vector<const Candidate*> by_preference(
    std::span<const Candidate> candidates, const Distances& distances, Among among) {
  const bool any_suggested = std::ranges::any_of(
      candidates, [](const Candidate& one) { return one.online && one.suggested; });
  const bool all = among == Among::Any && !any_suggested;
  std::vector<const Candidate*> out;
  for (const Candidate& one : candidates) {
    if (one.online && (all || one.suggested)) out.push_back(&one);
  }
  std::ranges::sort(out, {}, [&](const Candidate* one) {
    return std::tuple(
        or_far(find(distances.relays, one->home)), -one->priority,
        or_far(find(distances.answers, one->id)), one->id);
  });
  return out;
}

bool clearly_better(const Candidate& other, const Candidate& current, const Distances& distances) {
  const auto relay = find(distances.relays, other.home);
  const auto current_relay = find(distances.relays, current.home);
  if (relay && current_relay && other.home != current.home) {
    return is_clearly_less(*relay, *current_relay);
  }
  if (other.priority != current.priority) return other.priority > current.priority;
  const auto answer = find(distances.answers, other.id);
  const auto current_answer = find(distances.answers, current.id);
  return answer && current_answer && is_clearly_less(*answer, *current_answer);
}

}  // namespace aya::exit_node
