#include "daemon/state/state_error.h"

namespace aya::state {

std::string StateError::message() const {
  switch (kind) {
    case Kind::NotPermitted:
      return path + ": " + detail +
             "; run as the user who owns it, and see that no other user may "
             "write to its folder";
    case Kind::DiskFull:
      return "the disk is full: " + path + " was not changed; free some space and try again";
    case Kind::ReadOnly:
      return path + " is on a read-only file system; choose another folder with --statedir";
    case Kind::NoFolder:
      return "cannot make the folder " + path + ": " + detail +
             "; make it, or choose another with --statedir";
    case Kind::Corrupt:
      return "the state in " + path + " cannot be read (" + detail + "); it was kept as " +
             kept_as +
             ". Put a good copy in its place, or start again to begin afresh and log in anew";
    case Kind::Newer:
      return path +
             " was written by a newer ayatorid; start that one again, or move the file away to "
             "begin afresh and log in anew";
    case Kind::Busy:
      return "another ayatorid uses " + path +
             ": stop it, or choose another folder with --statedir";
    case Kind::Failed:
      return path + ": " + detail;
  }
  return path + ": " + detail;
}

}  // namespace aya::state
