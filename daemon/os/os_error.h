// What the system refused, and while doing what: "open /dev/net/tun: Operation not permitted".
#pragma once

#include <string>

namespace aya::os {

struct OsError {
  int code = 0;        // errno; 0 where `advice` says it all
  std::string doing;   // "open /dev/net/tun"
  std::string advice;  // what a person can do about it; may be empty

  // One line for the log or the command line.
  std::string message() const;
};

// The current errno.
OsError last_error(std::string doing, std::string advice = {});

}  // namespace aya::os
