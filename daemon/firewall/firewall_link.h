// The host's firewall as the loop sees it: what is wanted is said at once, and done by a thread of
// its own, one plan after the other; of plans that come meanwhile only the last counts. Lives on
// the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "daemon/firewall/host_rules_link.h"
#include "proto/io/loop.h"

namespace aya::firewall {

class FirewallLink {
 public:
  struct Parts {
    io::Loop& loop;
    Logger& log;
  };

  // `changed`: problems() are others than before.
  FirewallLink(const Parts& parts, HostRules::Config config, std::function<void()> changed);
  // Waits for what is being done, and takes everything away but an armed kill switch.
  ~FirewallLink();
  FirewallLink(const FirewallLink&) = delete;
  FirewallLink& operator=(const FirewallLink&) = delete;

  void set_plan(const Plan& plan, const Sysctls::Forwarding& forwarding);
  void set_kill_switch(const std::optional<KillSwitch>& wanted);

  const std::vector<Problem>& problems() const { return problems_; }

 private:
  class Worker;
  void begin();
  void finished(std::vector<Problem> problems);

  io::Loop& loop_;
  std::function<void()> tell_;
  Wanted wanted_;
  std::optional<Wanted> told_;  // the last that the worker was given
  bool busy_ = false;
  std::vector<Problem> problems_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // tells posted tasks that this is gone
  std::unique_ptr<Worker> worker_;
};

}  // namespace aya::firewall
