// `exit-node list`, `suggest` and `use`. What the first two print is read by scripts, to the letter
// in strict mode.
#include "cli/commands/table.h"
#include "cli/exit_nodes.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

Outcome list(Context& context, const Arguments& args) {
  ExitNodeTable wanted;
  Flags flags;
  flags.text("filter", wanted.country, "only those in this country");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  const auto status = context.status();
  if (!status) return status.error();
  wanted.now = context.console.wall_now();
  wanted.latencies = !context.strict;
  local::ExitNodes known;
  if (wanted.latencies) {
    auto asked = known_exit_nodes(context, true);
    if (!asked) return asked.error();
    known = *std::move(asked);
  }
  const std::string text = exit_node_table(*status, known, wanted);
  if (text.empty()) {
    const std::string nobody = wanted.country.empty()
                                   ? "no exit nodes found"
                                   : "no exit nodes found for " + in_quotes(wanted.country);
    if (context.strict) return Failure{Exit::Failed, nobody};
    context.tell(
        nobody +
        "; a machine becomes one by `ayatori set --advertise-exit-node` there, and an "
        "administrator's approval");
    return {};
  }
  const std::string& program = context.program;
  context.out(
      "\n" + text + "\n# To view the complete list of exit nodes for a country, use `" + program +
      " exit-node list --filter=` followed by the country name.\n# To use an exit node, use `" +
      program +
      (context.strict ? " set --exit-node=` followed by the IP or hostname.\n"
                      : " set-exit-node` followed by the IP or hostname.\n"));
  return {};
}

Outcome suggest(Context& context, const Arguments& args) {
  Flags flags;
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  const auto answer = context.client.call("POST", "suggest-exit-node");
  if (!answer) {
    Failure failure = context.failure(answer.error());
    failure.text = "suggest exit node: " + failure.text;
    return failure;
  }
  const auto suggestion = local::parse_exit_node_suggestion(*answer);
  if (!suggestion) return Failure{Exit::Failed, "the daemon's answer is not readable"};
  if (suggestion->id.empty()) {
    context.out("No exit node suggestion is available.\n");
    return {};
  }
  const std::string name = printable(suggestion->name);
  context.out(
      "Suggested exit node: " + name + "\nTo accept this suggestion, use `" + context.program +
      (context.strict ? " set --exit-node=" : " set-exit-node ") + name + "`.\n");
  return {};
}

}  // namespace

Outcome exit_node(Context& context, const Arguments& args) {
  const std::string verb = args.empty() ? "" : args.front();
  const Arguments rest(args.empty() ? args.end() : args.begin() + 1, args.end());
  if (verb == "list") return list(context, rest);
  if (verb == "suggest") return suggest(context, rest);
  if (verb == "use") return set_exit_node(context, rest);
  if (verb == "--help" || verb == "-h" || verb == "-help") {
    Flags flags;
    return context.parse(flags, args).error();
  }
  return Failure{
      Exit::BadArgument, verb.empty() ? "exit-node subcommand required: list, suggest or use"
                                      : "unknown exit-node subcommand " + in_quotes(verb) +
                                            "; there are list, suggest and use"};
}

}  // namespace aya::cli
