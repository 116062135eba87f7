#include "cli/program.h"

#include <algorithm>
#include <optional>

#include "cli/command.h"
#include "cli/commands/table.h"
#include "cli/text.h"
#include "proto/base/version.h"

namespace aya::cli {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

struct Line {
  Arguments words;  // without the socket option
  std::optional<std::string> socket;
  std::string error;
};

// No verb has a flag of that name, so the option is recognised wherever it stands.
Line take_socket(const std::vector<std::string>& argv) {
  Line line;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string& word = argv[i];
    if (word == "--") {
      line.words.insert(
          line.words.end(), argv.begin() + static_cast<std::ptrdiff_t>(i), argv.end());
      break;
    }
    const std::string_view name = std::string_view(word).substr(word.starts_with("--") ? 1 : 0);
    if (name != "-socket" && !name.starts_with("-socket=")) {
      line.words.push_back(word);
      continue;
    }
    if (line.socket) line.error = "flag --socket is given more than once";
    const std::size_t equals = name.find('=');
    if (equals != std::string_view::npos) {
      line.socket = name.substr(equals + 1);
    } else if (++i < argv.size()) {
      line.socket = argv[i];
    } else {
      line.error = "flag --socket needs a value";
    }
  }
  return line;
}

std::string help(const std::string& program) {
  std::string text = "A mesh network of your own machines, over WireGuard.\n\nUSAGE\n  " + program +
                     " [--socket PATH] VERB [flags] [arguments]\n\nVERBS\n";
  std::vector<std::vector<std::string>> rows;
  for (const Command& command : command_table()) {
    if (command.hidden) continue;
    rows.push_back({"  " + std::string(command.name), std::string(command.summary)});
  }
  text += table_cut_right(rows);
  return text + "Each verb explains its flags: " + program + " VERB --help\n";
}

Failure unknown_verb(const std::string& program, const std::string& verb) {
  std::vector<std::string> names;
  for (const Command& command : command_table()) {
    if (!command.hidden) names.emplace_back(command.name);
  }
  std::string text = program + ": unknown subcommand: " + printable(verb);
  if (const auto guess = nearest(verb, names)) text += "; did you mean " + *guess + "?";
  return {Exit::BadArgument, std::move(text)};
}

Outcome run_line(Console& console, const std::string& program, Line line) {
  if (!line.error.empty()) return Failure{Exit::Usage, line.error};
  const std::string verb = line.words.empty() ? "help" : line.words.front();
  if (verb == "help" || verb == "--help" || verb == "-h" || verb == "-help") {
    console.err(help(program));
    return {};
  }
  const Command* command = find_command(verb == "--version" ? "version" : verb);
  if (command == nullptr && verb.starts_with('-')) {
    return Failure{Exit::Usage, "unknown flag " + printable(verb) + "\n" + help(program)};
  }
  if (command == nullptr) return unknown_verb(program, verb);
  const Arguments rest(line.words.begin() + 1, line.words.end());
  Context context(
      console, program, line.socket.value_or(kDefaultSocket), line.socket.has_value(), *command,
      std::move(line.words));
  return command->run(context, rest);
}

}  // namespace

int run_program(Console& console, const std::vector<std::string>& argv) {
  const std::string program = argv.empty() ? "ayatori" : base_name(argv.front());
  const Outcome outcome = run_line(console, program, take_socket(argv));
  if (outcome) return to_status(Exit::Ok, false);
  const Failure& failure = outcome.error();
  if (!failure.text.empty()) {
    console.err(failure.text + (failure.text.ends_with('\n') ? "" : "\n"));
  }
  return to_status(failure.code, program == "tailscale");
}

}  // namespace aya::cli
