// The host's firewall as the loop sees it: what is wanted is said at once, and done by a thread of
// its own, one plan after the other; of plans that come meanwhile only the last counts.
//
// Others may change rules at any time. When the kernel tells of it, our rules are looked at after
// half a second; where nothing tells, as with iptables-legacy, once in a while. What failed, and
// what somebody keeps taking away, is tried again ever more rarely. Lives on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/firewall/host_rules_link.h"
#include "daemon/os/ruleset_monitor.h"
#include "proto/io/fd_watcher.h"
#include "proto/io/loop.h"
#include "proto/io/timer.h"

namespace aya::firewall {

class FirewallLink {
 public:
  static constexpr Duration kSettle = 500ms;  // after somebody changed rules
  static constexpr Duration kFirstRetry = 5s, kLastRetry = std::chrono::minutes(5);
  static constexpr Duration kLookEvery = 30s;  // where changes are not told

  struct Parts {
    io::Loop& loop;
    Logger& log;
  };

  // `changed`: problems() or mode() are others than before.
  FirewallLink(const Parts& parts, HostRules::Config config, std::function<void()> changed);
  // Waits for what is being done, and takes everything away but an armed kill switch.
  ~FirewallLink();
  FirewallLink(const FirewallLink&) = delete;
  FirewallLink& operator=(const FirewallLink&) = delete;

  struct Node {
    Plan plan;
    std::string kind;  // by which program: "nftables", "iptables", "auto" or ""
    Sysctls::Forwarding forwarding;
  };
  void set(Node node);
  void set_kill_switch(const std::optional<KillSwitch>& wanted);

  const std::vector<Problem>& problems() const { return state_.problems; }
  // For the coordinator, as clients name it: "nft-default", "ipt-default", "none".
  const std::string& mode() const { return state_.mode; }

 private:
  class Worker;
  using Task = std::function<HostRules::Outcome(HostRules&)>;
  void begin();
  void look();  // whether all is as it should be
  void start(Task task);
  void finished(HostRules::Outcome outcome);
  void arm(const HostRules::Outcome& outcome);

  io::Loop& loop_;
  std::function<void()> tell_;
  Wanted wanted_;
  std::optional<Wanted> told_;  // the last that the worker was given
  bool busy_ = false;
  bool look_due_ = false;
  Duration pause_ = kFirstRetry;  // before what failed is tried again
  unsigned repairs_ = 0;          // in a row: somebody takes away what we write
  HostRules::Outcome state_;
  std::optional<os::RulesetMonitor> monitor_;
  std::optional<io::FdWatcher> monitor_watcher_;
  io::Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
  std::unique_ptr<Worker> worker_;
};

}  // namespace aya::firewall
