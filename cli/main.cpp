#include <csignal>

#include "cli/program.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left shows as a failed write
  aya::cli::SystemConsole console;
  return aya::cli::run_program(console, {argv, argv + argc});
}
