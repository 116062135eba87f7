#include "cli/command.h"

#include "cli/json_text.h"
#include "cli/text.h"

namespace aya::cli {

Context::Context(
    Console& console_in, std::string program_in, std::string socket, bool socket_given,
    const Command& command, Arguments words)
    : console(console_in),
      client(console_in, socket),
      strict(program_in == "tailscale"),
      program(std::move(program_in)),
      socket_(std::move(socket)),
      socket_given_(socket_given),
      command_(command),
      words_(std::move(words)) {}

void Context::tell(std::string_view line) {
  if (!strict) console.err(std::string(line) + "\n");
}

std::string Context::usage_text(const Flags& flags) const {
  std::string text =
      std::string(command_.summary) + "\n\nUSAGE\n  " + program + " " + std::string(command_.name);
  if (!command_.usage.empty()) text += " " + std::string(command_.usage);
  const std::string list = flags.help();
  if (!list.empty()) text += "\n\nFLAGS\n" + list.substr(0, list.size() - 1);
  return text;
}

Result<Arguments, Failure> Context::parse(Flags& flags, const Arguments& args) const {
  if (described_ != nullptr) {
    *described_ = flags.descriptions();
    return Failure{Exit::Ok, ""};
  }
  auto left = flags.parse(args);
  if (left) return *std::move(left);
  if (left.error().help) return Failure{Exit::Ok, usage_text(flags)};
  return Failure{Exit::Usage, left.error().text + "\n" + usage_text(flags)};
}

Outcome Context::expect_no_arguments(const Arguments& args) const {
  if (args.empty()) return {};
  Arguments shown;
  for (const std::string& arg : args) shown.push_back(in_quotes(arg));
  return Failure{Exit::BadArgument, "too many non-flag arguments: [" + join(shown, " ") + "]"};
}

std::string Context::sudo_advice() const {
  std::string again = "sudo " + program;
  if (socket_given_) again += " --socket=" + socket_;
  for (const std::string& word : words_) again += " " + printable(word);
  return "\n\nUse '" + again + "'.\nTo not require root, use 'sudo " + program +
         " set --operator=$USER' once.";
}

Failure Context::failure(const ClientError& error) const {
  const std::string text = printable_lines(error_text(error.text));
  switch (error.kind) {
    case ClientError::Kind::NoDaemon: {
      // The daemon leaves word where its absence cuts this host off.
      const auto word = console.read_file(socket_ + ".kill-switch");
      return {
          Exit::NoDaemon,
          "cannot reach the daemon: " + text +
              "\nIs ayatorid running? Where systemd runs: systemctl start ayatorid" +
              (word ? "\n" + printable_lines(*word) : std::string())};
    }
    case ClientError::Kind::Denied:
      return {Exit::Denied, "Access denied: " + text + sudo_advice()};
    case ClientError::Kind::TimedOut:
      return {Exit::TimedOut, text};
    case ClientError::Kind::Refused:
      return {
          Exit::Failed, std::to_string(error.status) + " " +
                            std::string(http::reason_phrase(error.status)) + ": " + text};
    case ClientError::Kind::Broken:
      break;
  }
  return {Exit::Failed, "talking to the daemon failed: " + text};
}

Result<std::string, Failure> Context::call(
    std::string_view method, std::string_view target, std::string_view body) {
  auto answer = client.call(method, target, body);
  if (!answer) return failure(answer.error());
  return *std::move(answer);
}

Result<local::Status, Failure> Context::status(bool with_peers) {
  auto status = client.status(with_peers);
  if (!status) return failure(status.error());
  return *std::move(status);
}

Result<local::Prefs, Failure> Context::prefs() {
  auto prefs = client.prefs();
  if (!prefs) return failure(prefs.error());
  return *std::move(prefs);
}

}  // namespace aya::cli
