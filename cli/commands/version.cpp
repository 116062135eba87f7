#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/base/version.h"

namespace aya::cli {
namespace {

using FieldList = std::vector<std::pair<std::string, std::string>>;

}  // namespace

Outcome version(Context& context, const Arguments& args) {
  bool json = false, with_daemon = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  flags.boolean("daemon", with_daemon, "also ask the daemon for its version");
  flags.unsupported({"upstream", "track"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;

  std::string daemon;
  if (with_daemon) {
    const auto status = context.status(false);
    if (!status) return status.error();
    daemon = printable(status->version);
  }
  const std::string own(kVersion);
  if (json) {
    FieldList fields = {
        {"majorMinorPatch", json_string(own)},
        {"short", json_string(own)},
        {"long", json_string(own)},
        {"unstableBranch", "false"}};
    if (with_daemon) fields.emplace_back("daemonLong", json_string(daemon));
    context.out(json_object(fields, '\t', 1));
    return {};
  }
  context.out(with_daemon ? "Client: " + own + "\nDaemon: " + daemon + "\n" : own + "\n");
  if (with_daemon && daemon != own) {
    context.tell("the daemon is of another version; restart it to finish an update");
  }
  return {};
}

}  // namespace aya::cli
