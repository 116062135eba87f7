// Tells when somebody changes the kernel's nftables rules, iptables-nft's included: tables, chains
// and rules, not what sets hold. Who did it is not told; the owner looks, and finds its own work
// unchanged. One thread.
#pragma once

#include "daemon/os/os_error.h"
#include "daemon/os/owned_fd.h"
#include "proto/base/result.h"

namespace aya::os {

class RulesetMonitor {
 public:
  static Result<RulesetMonitor, OsError> open();

  int poll_fd() const { return fd_.get(); }
  // Reads all that waits. True: something changed, or so much that some of it was lost.
  bool on_readable();

 private:
  explicit RulesetMonitor(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

}  // namespace aya::os
