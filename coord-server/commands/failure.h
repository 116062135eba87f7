// How a command ends (interfaces 3.2), and what is said when it did not go well.
#pragma once

#include <string>

namespace aya::coord {

enum class Exit : int {
  Ok = 0,  // done, or already so
  Failed = 1,
  Usage = 2,     // an unknown verb or option; nothing was attempted
  NoServer = 3,  // nothing answers at the socket
  Denied = 5,
  TimedOut = 6,
  NoSuchNode = 7,  // or several of that name
  Changed = 9,     // by somebody else in the meantime; nothing was done
};

struct Failure {
  Exit code = Exit::Failed;
  std::string text;  // one line; more only for lists of candidates
  int status = 0;    // of the server's answer, where it was one
};

}  // namespace aya::coord
