// Carries plans out on this host, and knows what it has done. Every call runs other programs and
// waits for them (10 s at most for each): not for the loop's thread, see firewall_link. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/firewall/rule_writer.h"
#include "daemon/firewall/sysctl_link.h"
#include "proto/log/logger.h"

namespace aya::firewall {

// Something a person must know, or mend.
struct Problem {
  std::string code;  // "firewall-...", kForwardingProblem
  std::string text;  // what is wrong and, where there is one, the exact command

  friend bool operator==(const Problem&, const Problem&) = default;
};

// The code where routes are offered and the kernel does not forward.
inline constexpr std::string_view kForwardingProblem = "ip-forwarding";

struct Wanted {
  Plan plan;
  std::string kind;  // "nftables", "iptables", "auto" or "": by which program
  Sysctls::Forwarding forwarding;
  std::optional<KillSwitch> kill_switch;

  friend bool operator==(const Wanted&, const Wanted&) = default;
};

class HostRules {
 public:
  struct Config {
    std::string sysctl_record;  // in the state folder
    std::string note;           // who wrote the rules: version and process id
    std::string kind;           // if not empty, in place of Wanted::kind
  };

  struct Outcome {
    std::vector<Problem> problems;
    bool failed = false;         // something of ours is not in place: try again
    bool repaired = false;       // check() found something to do
    bool needs_polling = false;  // nobody tells of changes
    std::string mode;            // for the coordinator: "nft-default"
  };

  HostRules(Config config, Logger& log);
  ~HostRules();

  // Makes the host what is wanted, changing only what differs. The first call also ends what an
  // earlier run left. What fails is tried again by the next call.
  Outcome apply(const Wanted& wanted);
  // The same after somebody changed rules: looks whether ours still stand.
  Outcome check();
  // Everything but the kill switch goes; the host's sysctls come back.
  void clear();

 private:
  void choose_backend(const std::string& kind);
  void forward(Outcome& out);
  void put_plan(Outcome& out);
  Failure write_plan();
  void remove_plan();
  void put_kill_switch(Outcome& out);
  void see_to_others(Outcome& out);
  void look_at_others(Outcome& out);
  void see_to_iptables(Outcome& out);
  void see_to_firewalld(Outcome& out);
  void leave_others();

  Config config_;
  Logger& log_;
  Sysctls sysctls_;
  Wanted wanted_;
  std::optional<std::string> kind_;  // by which the backend was chosen; nullopt: not yet
  BackendChoice choice_;
  std::unique_ptr<RuleWriter> writer_;  // nullptr: no program, or never needed
  std::optional<NftProgram> nft_;
  std::vector<IptablesProgram> others_;   // whose filter tables get our rules too
  std::optional<Plan> seen_to_;           // for which others' rules were looked at last
  std::vector<Problem> others_problems_;  // what was found then
  std::string in_firewalld_;  // the interface that we put into a zone; empty: none
  std::optional<Plan> put_;               // what stands there
  bool can_translate_v6_ = true;          // until the kernel says otherwise
  std::optional<KillSwitch> armed_;
  bool left_armed_ = true;  // an earlier run may have left a kill switch
};

struct RemoveOptions {
  std::string sysctl_record;
  bool disarm = false;           // the kill switch too
  std::string kill_switch_note;  // the file that tells of it; empty: none
};
// Ends all that a daemon, running no more, left of its firewall, its rules in others' chains and
// its sysctls. Right however often it is called. The error: one line, what is left over.
std::optional<std::string> remove_all(const RemoveOptions& options);

}  // namespace aya::firewall
