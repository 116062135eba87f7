// What we are about to change on the host and how to undo it, on disk before the change is made:
// the next start, or whoever cleans up without a daemon, reads it.
#pragma once

#include <optional>
#include <string>

#include "daemon/host_dns/detection.h"
#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::host_dns {

struct Journal {
  Mode mode = Mode::None;
  std::string link;  // our interface, under whose name services know us

  // Of Mode::Direct: what /etc/resolv.conf was.
  enum class Was { Missing, Regular, Link };
  Was was = Was::Missing;
  bool in_place = false;  // it is a mount: overwritten, never replaced
  std::string backup;     // the path of what it was
  std::string sha256;     // of its text, where it was a regular file

  std::string dnsmasq_file;  // of Mode::Dnsmasq: the file we put there

  friend bool operator==(const Journal&, const Journal&) = default;
};

std::string to_text(const Journal& journal);
// nullopt: not a journal. Whoever may write to the state folder is root already, so this guards
// against accidents, not against people.
std::optional<Journal> parse_journal(std::string_view text);

std::string journal_path(std::string_view state_dir);
Result<void, os::OsError> write_journal(std::string_view state_dir, const Journal& journal);
// Also nullopt where it cannot be read.
std::optional<Journal> read_journal(std::string_view state_dir);
Result<void, os::OsError> remove_journal(std::string_view state_dir);

}  // namespace aya::host_dns
