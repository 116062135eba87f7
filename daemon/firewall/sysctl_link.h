// Switches forwarding on while it is needed, and back. What was changed is on record in the state
// folder before it is changed, so that a killed daemon's work is undone by the next start, or by
// give_back_sysctls() alone. Blocks on /proc and the disk; one thread.
#pragma once

#include <string>
#include <vector>

#include "daemon/firewall/sysctls.h"
#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::firewall {

class Sysctls {
 public:
  explicit Sysctls(std::string record);  // a file; what it holds from before counts as ours

  struct Forwarding {
    bool v4 = false, v6 = false;
    friend bool operator==(const Forwarding&, const Forwarding&) = default;
  };
  // What is not wanted (any more) is given back. The error: what could not be switched on; without
  // the module for IPv6 there is nothing to switch.
  Result<void, os::OsError> forward(const Forwarding& wanted);
  // True: the last forward() changed something.
  bool changed() const { return changed_; }

 private:
  void give_back(bool v6);
  Result<void, os::OsError> make(const std::vector<SysctlChange>& changes);
  Result<void, os::OsError> save() const;

  std::string record_;
  std::vector<SysctlChange> made_;
  bool changed_ = false;
};

// For the end without a daemon. Idempotent.
Result<void, os::OsError> give_back_sysctls(const std::string& record);

// Replies to marked sockets are judged by the route they would take with their mark (1.6). Stays
// on: it matters only where marks are used.
void respect_marks_on_the_way_in();
// Our own interface: the tunnel knows which peer may use which source, the host does not; and no
// peer is a router that this host should listen to. Gone with the interface.
void prepare_interface(const std::string& name);

}  // namespace aya::firewall
