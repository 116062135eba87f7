// Mode::Direct: /etc/resolv.conf is written, and what it was is kept for later.
//
//   a regular file   copied beside itself, then replaced by renaming ours over it
//   a symbolic link  the link is kept beside, ours takes its place; what it leads to goes on being
//                    the host's own configuration, and its changes are followed
//   no file          ours is removed again
//   a mount          overwritten in place, as it cannot be replaced; kept in the state folder, for
//                    the folder around it may be shared by machines that have each their own file
//
// The copy is complete on disk, and the journal says so, before the file is touched; a killed
// daemon or a power cut leaves one or the other. A file without our marker is somebody's newer
// work, and nothing is ever restored over it.
#pragma once

#include <optional>

#include "daemon/host_dns/backend.h"
#include "daemon/host_dns/journal.h"

namespace aya::host_dns {

class Direct final : public Backend {
 public:
  // `evidence`: of just now.
  Direct(Places places, const Evidence& evidence);

  Result<void, os::OsError> apply(const Wanted& wanted) override;
  Result<void, os::OsError> restore() override;
  Result<void, os::OsError> abandon() override;
  const Base& base() const override { return base_; }
  void add_watches(Watch& watch) const override;
  Result<News, os::OsError> look() override;

 private:
  Result<void, os::OsError> keep_what_is_there();
  Result<void, os::OsError> write(const Wanted& wanted);
  std::string backup_path() const;

  Places places_;
  Base base_;
  bool in_place_;
  std::optional<Journal> kept_;  // there is a backup
  std::optional<Wanted> applied_;
  std::string written_;
};

// Puts the file back if it is ours, with or without a journal.
struct PutBack {
  bool was_ours = false;
  bool backup_was_changed = false;  // since we made it; it was put back all the same
};
Result<PutBack, os::OsError> restore_resolv_conf(
    const Places& places, const std::optional<Journal>& journal);

}  // namespace aya::host_dns
