// Mode::Resolved: systemd-resolved is told, about our link, whose names are ours. What it is told
// lives with the link: when that goes, also by SIGKILL, it is as if nothing had been.
//
// The link must be there, and its owner must have it open: without a carrier resolved asks it
// nothing (pitfall 13). When resolved is restarted it is told again.
#pragma once

#include "daemon/host_dns/backend.h"
#include "daemon/os/owned_fd.h"

namespace aya::host_dns {

class Resolved final : public Backend {
 public:
  explicit Resolved(Places places);

  Result<void, os::OsError> apply(const Wanted& wanted) override;
  Result<void, os::OsError> restore() override;
  const Base& base() const override { return base_; }
  void add_watches(Watch& watch) const override;
  int service_fd() const override { return service_.get(); }
  Result<News, os::OsError> look() override;

 private:
  bool read_base();  // true: it is another

  Places places_;
  Base base_;
  std::optional<Wanted> applied_;
  os::OwnedFd service_;  // its process
};

// Takes back what a link is said to answer; nothing where there is no such link.
Result<void, os::OsError> revert_resolved(const std::string& link);

}  // namespace aya::host_dns
