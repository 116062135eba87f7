// One way to make the host ask us, and to give everything back. There is a back end per mode; which
// one is used is decided in detection.h.
//
// Lives on the resolver thread (host_dns_link.h) and may wait there: for the disk, for a program of
// the host, at most seconds.
#pragma once

#include <string>

#include "daemon/host_dns/detection.h"
#include "daemon/host_dns/resolv_conf.h"
#include "daemon/host_dns/watch.h"
#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::host_dns {

// Where things are on this host.
struct Places {
  std::string state_dir;
  std::string link;  // our interface
  std::string resolv_conf = "/etc/resolv.conf";
  std::string nsswitch = "/etc/nsswitch.conf";
};

class Backend {
 public:
  // What look() found.
  enum class News {
    None,
    BaseChanged,  // the host has other servers of its own now; the rest stands
    Foreign,      // somebody undid us, and it stays undone until abandon() and a new beginning
    NotYet,       // the service we told is away: look again soon
  };

  virtual ~Backend() = default;

  // Also with another wish than before, and again with the same.
  virtual Result<void, os::OsError> apply(const Wanted& wanted) = 0;
  // As the host was before. Idempotent.
  virtual Result<void, os::OsError> restore() = 0;
  // What is there now is somebody else's newer work: it stays, and ours is forgotten.
  virtual Result<void, os::OsError> abandon() { return restore(); }

  // The host's own servers, without us. Kept current by look().
  virtual const Base& base() const = 0;

  virtual void add_watches(Watch& watch) const = 0;
  // A descriptor that becomes readable when the service we told has ended; -1: none.
  virtual int service_fd() const { return -1; }
  // After something watched has happened.
  virtual Result<News, os::OsError> look() = 0;
};

}  // namespace aya::host_dns
