// Verbs of the stock program whose features are absent here. Where "there is none of it" is an
// answer, scripts get that answer in the form they know; everything else is refused in one line.
#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

Failure refused(const Context& context, std::string_view what) {
  return {Exit::BadArgument, context.program + " " + std::string(what) + " is not supported yet"};
}

// "status [--json]" of something of which there is nothing.
Outcome empty_status(
    Context& context, const Arguments& args, std::string_view verb, std::string_view words,
    std::string_view json_target) {
  bool json = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() != 1 || left->front() != "status") return refused(context, verb);
  const auto answer = context.call("GET", json_target);
  if (!answer) return answer.error();
  context.out(json ? reindented(*answer, ' ', 2) : std::string(words) + "\n");
  return {};
}

}  // namespace

Outcome not_built(Context& context, const Arguments& args) {
  Flags none;
  if (args.size() == 1 && (args[0] == "--help" || args[0] == "-h")) {
    return context.parse(none, args).error();
  }
  return Failure{Exit::BadArgument, "this is not supported yet"};
}

Outcome serve(Context& context, const Arguments& args) {
  return empty_status(context, args, "serve", "No serve config", "serve-config");
}

Outcome funnel(Context& context, const Arguments& args) {
  return empty_status(context, args, "funnel", "No serve config", "serve-config");
}

Outcome lock(Context& context, const Arguments& args) {
  bool json = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() != 1 || left->front() != "status") return refused(context, "lock");
  const auto answer = context.call("GET", "tka/status");
  if (!answer) return answer.error();
  if (!json) {
    context.out("Tailnet Lock is NOT enabled.\n\n");
    return {};
  }
  std::vector<std::pair<std::string, std::string>> fields = {
      {"SchemaVersion", "\"1\""}, {"Enabled", "false"}};
  if (const std::string key = field_of(*answer, "NodeKey"); !key.empty()) {
    fields.emplace_back("NodeKey", key);
  }
  context.out(json_object(fields, ' ', 2));
  return {};
}

Outcome cert(Context& context, const Arguments& args) {
  Flags flags;
  flags.unsupported({"cert-file", "key-file", "serve-demo", "min-validity"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  return Failure{
      Exit::BadArgument,
      (left->size() == 1 ? std::string()
                         : "Usage: " + context.program + " cert [flags] <domain>\n") +
          "HTTPS cert support is not enabled/configured for your tailnet.\n\n"};
}

namespace {

// Nobody can be sent a file, so the list of targets is the daemon's: empty.
Outcome file_cp(Context& context, const Arguments& args) {
  bool targets = false;
  Flags flags;
  flags.boolean("targets", targets, "list nodes that files can be sent to");
  flags.unsupported({"name", "verbose"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (targets) {
    const auto answer = context.call("GET", "file-targets");
    if (!answer) return answer.error();
    if (trim(*answer) == "[]" || trim(*answer) == "null") return {};
    return Failure{Exit::Failed, "the daemon offers targets that this program cannot list"};
  }
  if (left->size() < 2) {
    return Failure{
        Exit::BadArgument, "usage: " + context.program + " file cp <files...> <target>:"};
  }
  return refused(context, "file cp");
}

Outcome file_get(Context& context, const Arguments& args) {
  Flags flags;
  flags.unsupported({"wait", "loop", "verbose", "conflict"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() != 1) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " file get <target-directory>"};
  }
  const auto waiting = context.call("GET", "files/");
  if (!waiting) {
    return Failure{waiting.error().code, "getting WaitingFiles: " + waiting.error().text};
  }
  return {};  // no daemon of ours receives any
}

}  // namespace

Outcome file(Context& context, const Arguments& args) {
  const Arguments rest(args.empty() ? args.end() : args.begin() + 1, args.end());
  if (!args.empty() && args.front() == "cp") return file_cp(context, rest);
  if (!args.empty() && args.front() == "get") return file_get(context, rest);
  Flags none;
  const auto left = context.parse(none, args.empty() ? Arguments{"--help"} : args);
  if (!left) return left.error();
  return Failure{Exit::BadArgument, "file: unknown subcommand: " + printable(args.front())};
}

}  // namespace aya::cli
