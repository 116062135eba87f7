// Carries plans out on this host, and knows what it has done. Every call runs other programs and
// waits for them (10 s at most for each): not for the loop's thread, see firewall_link. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/firewall/plan.h"
#include "daemon/firewall/sysctl_link.h"
#include "proto/log/logger.h"

namespace aya::firewall {

// Something a person must know, or mend.
struct Problem {
  std::string code;  // "firewall-..."
  std::string text;  // what is wrong and, where there is one, the exact command

  friend bool operator==(const Problem&, const Problem&) = default;
};

struct Wanted {
  Plan plan;
  Sysctls::Forwarding forwarding;
  std::optional<KillSwitch> kill_switch;

  friend bool operator==(const Wanted&, const Wanted&) = default;
};

class HostRules {
 public:
  struct Config {
    std::string sysctl_record;  // in the state folder
    std::string note;           // who wrote the rules: version and process id
  };

  // Ends what an earlier run left, but for its kill switch.
  HostRules(Config config, Logger& log);

  // Makes the host what is wanted, changing only what differs. What fails is tried again by the
  // next call.
  std::vector<Problem> apply(const Wanted& wanted);
  // Everything but the kill switch goes; the host's sysctls come back.
  void clear();

 private:
  std::vector<Problem> forward(const Sysctls::Forwarding& wanted);
  std::vector<Problem> apply_plan(const Plan& wanted);
  std::vector<Problem> apply_kill_switch(const std::optional<KillSwitch>& wanted);
  std::optional<std::string> replace(const Plan& wanted);
  std::optional<std::string> remove_plan();

  Config config_;
  Logger& log_;
  Sysctls sysctls_;
  std::optional<std::string> nft_;
  Plan applied_;  // mode Off: nothing of ours stands there
  std::optional<KillSwitch> armed_;
  bool armed_is_known_ = false;  // an earlier run may have left one
};

struct RemoveOptions {
  std::string sysctl_record;
  bool disarm = false;  // the kill switch too
};
// Ends all that a daemon, running no more, left of its firewall, its rules in others' chains and
// its sysctls. Right however often it is called. The error: one line, what is left over.
std::optional<std::string> remove_all(const RemoveOptions& options);

}  // namespace aya::firewall
