#include "cli/commands/table.h"
#include "cli/text.h"

namespace aya::cli {

Outcome metrics(Context& context, const Arguments& args) {
  Flags none;
  const auto left = context.parse(none, args);
  if (!left) return left.error();
  const std::string what = left->empty() ? "print" : left->front();
  if (what != "print" && what != "write") {
    return Failure{Exit::BadArgument, "metrics: unknown subcommand: " + printable(what)};
  }
  if (what == "write" && left->size() != 2) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " metrics write <path>"};
  }
  if (what == "print" && left->size() > 1) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " metrics print"};
  }
  const auto page = context.call("GET", "usermetrics");
  if (!page) return page.error();
  if (what == "print") {
    context.out(*page);
    return {};
  }
  // A collector of text files may read at any moment: it finds the old page or the new one.
  const auto written = context.console.replace_file((*left)[1], *page);
  if (!written) return Failure{Exit::Failed, written.error().text};
  return {};
}

}  // namespace aya::cli
