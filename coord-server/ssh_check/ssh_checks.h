// SSH sessions that a person has to confirm (control 4.6): a node whose policy says "check" holds
// the session and asks the coordinator; the owner of the machine it comes from says yes in a
// browser; the node hears it and lets the session begin.
//
//   the node asks           ask()      accepted at once, or: a page to show, and where to ask again
//   it asks there           ask()      waits; take_answers() has the answer when there is one
//   the page                find(), approve(), refuse()
//
// Who says yes: the person whose machine the session comes from and nobody else. That person must
// have signed in within the rule's period, and for a period of zero after the session was asked
// for. An answer is remembered for the same two machines, the same account on them and the same
// person, until the period is over, counted from the signing in. Nothing of it is on the disk:
// after a restart people are asked again, and a node that waited is given a new page.
//
// Pure. One thread.
#pragma once

#include <map>

#include "coord-server/policy/policy.h"
#include "proto/base/rng.h"

namespace aya::ssh_check {

// A request that is kept open.
using WaiterId = StrongId<struct WaiterTag, std::uint64_t>;

struct Check {
  enum class State { Waiting, Approved, Refused };

  std::string id;  // last part of the page's URL; nobody can guess one
  store::NodeId from, to;
  store::UserId owner;     // of `from`: who is asked
  std::string local_user;  // as whom the session would be
  std::chrono::nanoseconds period{};
  WallTime begun{};
  State state = State::Waiting;

  // Is a sign-in of that time good enough to say yes with?
  bool is_fresh(WallTime signed_in, WallTime now) const;
};

class SshChecks {
 public:
  // Nodes wait thirty minutes in all; a page that nobody has opened by then is forgotten about.
  static constexpr auto kLifetime = std::chrono::minutes(15);
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kMostOfNode = 32;  // that one node holds sessions for

  // `page`: what the id is put behind, "https://coord.example/ssh/". All outlive this.
  SshChecks(
      const nodes::Registry& registry, const policy::Policy& policy, Rng& rng, std::string page)
      : registry_(registry), policy_(policy), rng_(rng), page_(std::move(page)) {}

  // `path` is where the node asks, "/machine/ssh/action/7/to/9", `query` what follows it. nullopt:
  // there is no answer yet; `waiter` gets it. An error is a status other than 200.
  using Asked = Result<std::optional<control::SshAction>, int>;
  Asked ask(
      std::string_view path, std::string_view query, const MachinePublicKey& machine,
      WaiterId waiter, WallTime now);
  static bool owns(std::string_view path) { return path.starts_with(kPath); }

  // One that still waits.
  const Check* find(std::string_view id, WallTime now) const;
  // Its owner said so, having signed in at that time.
  void approve(const Check& check, WallTime signed_in, WallTime now);
  void refuse(const Check& check, WallTime now);

  // The connection of a request that waits ended.
  void forget(WaiterId waiter) { waiting_.erase(waiter); }
  struct Answered {
    WaiterId waiter;
    control::SshAction action;
  };
  std::vector<Answered> take_answers(WallTime now);
  std::optional<WallTime> next_end() const;

  static constexpr std::string_view kPath = "/machine/ssh/action/";

 private:
  // What a remembered answer is good for.
  struct Pass {
    store::NodeId from, to;
    store::UserId owner;
    std::string local_user;
    auto operator<=>(const Pass&) const = default;
  };
  static Pass pass_of(const Check& check) {
    return {check.from, check.to, check.owner, check.local_user};
  }
  control::SshAction begin(Check check);
  // nullopt: it still waits.
  std::optional<control::SshAction> verdict(const Check& check, WallTime now) const;
  void make_room(store::NodeId to);
  void settle(const Check& check, WallTime now);

  const nodes::Registry& registry_;
  const policy::Policy& policy_;
  Rng& rng_;
  std::string page_;
  std::map<std::string, Check, std::less<>> checks_;
  std::map<Pass, WallTime> passes_;  // when its person had signed in
  std::map<WaiterId, std::string> waiting_;
  std::vector<Answered> answers_;
};

}  // namespace aya::ssh_check
