// A verb of `ayatori`, and what it is handed to work with. A verb is a row of the command table and
// a function in commands/; it returns nothing, or why it failed, and the program turns that into
// text on stderr and an exit status (interfaces 3.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "cli/local_client.h"
#include "proto/base/result.h"

namespace aya::cli {

struct Failure {
  Exit code = Exit::Failed;
  std::string text;  // for stderr, without the last newline; empty: all has been said already
};
using Outcome = Result<void, Failure>;
using Arguments = std::vector<std::string>;

class Context;

// What shells offer for the arguments of a verb.
enum class Offer { Nothing, Nodes, ExitNodes, Logins, Settings };

struct Command {
  std::string_view name;
  std::string_view summary;
  std::string_view usage;  // what follows the name: "[flags] PEER"
  Outcome (*run)(Context&, const Arguments&);
  std::string_view words = {};  // its own verbs, with blanks between
  Offer offer = Offer::Nothing;
  bool hidden = false;  // not in the help: known from the stock program, and not done here
};

// One run of the program. Lives on its only thread.
class Context {
 public:
  // `words` is the command line without the program and the socket option, to be quoted back.
  Context(
      Console& console, std::string program, std::string socket, bool socket_given,
      const Command& command, Arguments words);

  Console& console;
  LocalClient client;
  // Called as `tailscale`: its exit codes and texts to the letter (interfaces 3.1).
  const bool strict;
  const std::string program;  // as it was called, without its folder

  bool out(std::string_view text) { return console.out(text); }
  void err(std::string_view text) { console.err(text); }
  // A line of progress: what a person wants to read and a script for the stock program does not.
  void tell(std::string_view line);

  // The arguments that are left, or a Failure that explains the flags (also for --help).
  Result<Arguments, Failure> parse(Flags& flags, const Arguments& args) const;
  // The next parse() only tells which flags there are, and ends the verb.
  void describe_flags(std::vector<Flags::Description>& into) { described_ = &into; }
  Outcome expect_no_arguments(const Arguments& args) const;

  Failure failure(const ClientError& error) const;
  const std::string& socket() const { return socket_; }
  Result<std::string, Failure> call(
      std::string_view method, std::string_view target, std::string_view body = "");
  Result<local::Status, Failure> status(bool with_peers = true);
  Result<local::Prefs, Failure> prefs();

 private:
  std::string usage_text(const Flags& flags) const;
  std::string sudo_advice() const;

  std::string socket_;
  bool socket_given_;
  const Command& command_;
  Arguments words_;
  std::vector<Flags::Description>* described_ = nullptr;
};

}  // namespace aya::cli
