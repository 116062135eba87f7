#include "coord-server/ssh_check/ssh_checks.h"

#include <algorithm>

#include "proto/base/hex.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"

namespace aya::ssh_check {
namespace {

using control::SshAction;

// No period is longer than a week (interfaces 5.6).
constexpr auto kLongestPass = std::chrono::hours(168);
constexpr std::size_t kLongestUser = 256;

SshAction reject(std::string why) {
  SshAction out;
  out.reject = true;
  out.message = std::move(why) + "\n";
  return out;
}

std::optional<store::NodeId> number_of(std::string_view text) {
  const auto number = parse_number<std::int64_t>(text);
  if (!number) return std::nullopt;
  return store::NodeId{*number};
}

struct Ends {
  store::NodeId from, to;
};

// "7/to/9"
std::optional<Ends> ends_of(std::string_view path) {
  constexpr std::string_view kBetween = "/to/";
  path.remove_prefix(SshChecks::kPath.size());
  const std::size_t at = path.find(kBetween);
  if (at == std::string_view::npos) return std::nullopt;
  const auto from = number_of(path.substr(0, at));
  const auto to = number_of(path.substr(at + kBetween.size()));
  if (!from || !to) return std::nullopt;
  return Ends{*from, *to};
}

}  // namespace

bool Check::is_fresh(WallTime signed_in, WallTime now) const {
  return period.count() == 0 ? signed_in >= begun : now - signed_in < period;
}

SshChecks::Asked SshChecks::ask(
    std::string_view path, std::string_view query, const MachinePublicKey& machine, WaiterId waiter,
    WallTime now) {
  const auto ends = ends_of(path);
  const std::string local_user = http::query_value(query, "local_user").value_or("");
  if (!ends || local_user.empty() || local_user.size() > kLongestUser) return 400;
  const nodes::Node* from = registry_.find(ends->from);
  const nodes::Node* to = registry_.find(ends->to);
  // The node that is called asks; any other would learn, or hold, what is not its own.
  if (to == nullptr || to->record.machine != machine) return 404;
  if (from == nullptr) return std::optional(reject("this machine is not known here any more"));
  const auto due = policy_.ssh_check(*from, *to, local_user);
  if (!due) return std::optional(reject("the policy has changed; please try again"));
  if (!from->record.tags.empty()) {
    return std::optional(reject("a machine with tags belongs to nobody who could confirm this"));
  }
  Check check;
  check.from = from->id();
  check.to = to->id();
  check.owner = from->record.user;
  check.local_user = local_user;
  check.period = due->period;
  check.begun = now;
  if (const auto id = http::query_value(query, "check")) {
    const auto known = checks_.find(*id);
    const bool same = known != checks_.end() && pass_of(known->second) == pass_of(check);
    if (!same) return std::optional(begin(std::move(check)));  // lost: by a restart, say
    if (auto ready = verdict(known->second, now)) return ready;
    waiting_.insert_or_assign(waiter, *id);
    return std::optional<SshAction>();
  }
  const auto passed = passes_.find(pass_of(check));
  if (passed != passes_.end() && check.period.count() > 0 &&
      check.is_fresh(passed->second, now)) {
    return std::optional(due->passed);
  }
  return std::optional(begin(std::move(check)));
}

SshAction SshChecks::begin(Check check) {
  make_room(check.to);
  check.id = to_hex(rng_.array<16>());
  const nodes::Node& from = *registry_.find(check.from);
  const store::User* owner = registry_.user(check.owner);
  SshAction out;
  out.message = "# This session has to be confirmed by " +
                (owner == nullptr ? std::string("its owner") : owner->login) + ", who owns " +
                from.record.label + ".\n# Open this page in a browser:\n#\n#   " + page_ +
                check.id + "\n#\n";
  out.hold_and_delegate = "https://unused" + std::string(kPath) +
                          std::to_string(check.from.value) + "/to/" +
                          std::to_string(check.to.value) +
                          "?local_user=$LOCAL_USER&check=" + check.id;
  std::string id = check.id;
  checks_.emplace(std::move(id), std::move(check));
  return out;
}

// The oldest one gives way: a node that goes on asking for it is given another.
void SshChecks::make_room(store::NodeId to) {
  std::size_t of_node = 0;
  const Check *oldest = nullptr, *oldest_of_node = nullptr;
  for (const auto& [id, check] : checks_) {
    if (oldest == nullptr || check.begun < oldest->begun) oldest = &check;
    if (check.to != to) continue;
    ++of_node;
    if (oldest_of_node == nullptr || check.begun < oldest_of_node->begun) oldest_of_node = &check;
  }
  const Check* leaves = of_node >= kMostOfNode ? oldest_of_node : nullptr;
  if (leaves == nullptr && checks_.size() >= kMost) leaves = oldest;
  if (leaves == nullptr) return;
  const std::string id = leaves->id;
  std::erase_if(waiting_, [&](const auto& waiter) {
    if (waiter.second != id) return false;
    answers_.push_back({waiter.first, reject("too many sessions wait to be confirmed")});
    return true;
  });
  checks_.erase(id);
}

const Check* SshChecks::find(std::string_view id, WallTime now) const {
  const auto found = checks_.find(id);
  const bool waits = found != checks_.end() && found->second.state == Check::State::Waiting &&
                     now < found->second.begun + kLifetime;
  return waits ? &found->second : nullptr;
}

std::optional<SshAction> SshChecks::verdict(const Check& check, WallTime now) const {
  switch (check.state) {
    case Check::State::Refused:
      return reject("this session was refused on the page");
    case Check::State::Approved:
      break;
    case Check::State::Waiting:
      if (now < check.begun + kLifetime) return std::nullopt;
      return reject("nobody has confirmed this session in time");
  }
  // Much may have happened while somebody made up their mind.
  const nodes::Node* from = registry_.find(check.from);
  const nodes::Node* to = registry_.find(check.to);
  const bool same = from != nullptr && to != nullptr && from->record.user == check.owner &&
                    from->record.tags.empty();
  const auto due = same ? policy_.ssh_check(*from, *to, check.local_user) : std::nullopt;
  if (!due) return reject("the policy has changed; please try again");
  return due->passed;
}

void SshChecks::approve(const Check& check, WallTime signed_in, WallTime now) {
  if (check.period.count() > 0) passes_.insert_or_assign(pass_of(check), signed_in);
  const auto found = checks_.find(check.id);
  found->second.state = Check::State::Approved;
  settle(found->second, now);
}

void SshChecks::refuse(const Check& check, WallTime now) {
  const auto found = checks_.find(check.id);
  found->second.state = Check::State::Refused;
  settle(found->second, now);
}

// It stays until its time is over: the answer may get lost on the way, and is asked for again.
void SshChecks::settle(const Check& check, WallTime now) {
  const auto answer = verdict(check, now);
  std::erase_if(waiting_, [&](const auto& waiter) {
    if (!answer || waiter.second != check.id) return false;
    answers_.push_back({waiter.first, *answer});
    return true;
  });
}

std::vector<SshChecks::Answered> SshChecks::take_answers(WallTime now) {
  std::erase_if(checks_, [&](const auto& entry) {
    if (now < entry.second.begun + kLifetime) return false;
    settle(entry.second, now);
    return true;
  });
  std::erase_if(passes_, [&](const auto& pass) { return pass.second + kLongestPass <= now; });
  return std::exchange(answers_, {});
}

std::optional<WallTime> SshChecks::next_end() const {
  std::optional<WallTime> next;
  for (const auto& [id, check] : checks_) {
    if (!next || check.begun + kLifetime < *next) next = check.begun + kLifetime;
  }
  return next;
}

}  // namespace aya::ssh_check
