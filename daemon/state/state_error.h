// Why the state could not be read or written, told so that a person knows what to do.
#pragma once

#include <string>

namespace aya::state {

struct StateError {
  enum class Kind {
    NotPermitted,  // file or folder belongs to somebody else, or is open to others
    DiskFull,
    ReadOnly,  // the file system is mounted read-only
    NoFolder,  // the folder is missing and could not be made
    Corrupt,   // the file's content is not ours; it was kept aside, see `kept_as`
    Newer,     // the file is of a later version of this program; it was left in its place
    Busy,      // another daemon has the folder
    Failed,    // anything else the system said
  };

  Kind kind = Kind::Failed;
  std::string path;
  std::string detail;   // what the system or the parser said
  std::string kept_as;  // Corrupt: where the unreadable file is now

  // One line: what happened to which file, and what to do about it.
  std::string message() const;
};

}  // namespace aya::state
