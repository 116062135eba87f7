// Runs another program to its end, the way a daemon with root's rights may (os-integration 1.4):
// from a fixed list of folders, by absolute path, with an environment of our own making, its
// standard input a pipe, and with a limit of time after which its whole process group is killed.
//
// Blocks its thread until the program has ended. Programs left running by it (a restarted service)
// are not waited for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::os {

struct ChildCommand {
  std::string program;  // absolute, as find_program() returns it
  std::vector<std::string> arguments;
  std::string input;
  Duration limit = 10s;
};

struct ChildOutcome {
  int exit_status = 0;  // 128 + the signal's number if one ended it
  bool timed_out = false;
  std::string out, err;  // the first megabyte of each

  bool succeeded() const { return exit_status == 0 && !timed_out; }
  // What went wrong as one line: the first that it wrote to standard error, or its exit status.
  std::string complaint() const;
};

// In /usr/sbin, /usr/bin, /sbin, /bin; nullopt: not installed.
std::optional<std::string> find_program(std::string_view name);

// The error: it could not even be started.
Result<ChildOutcome, OsError> run_child(const ChildCommand& command);

}  // namespace aya::os
