// One TCP connection for a terminal, a pipe, or a ProxyCommand of ssh: through the daemon into the
// network, and without it to anywhere else.
#include "cli/commands/table.h"
#include "cli/nodes.h"
#include "cli/text.h"
#include "proto/base/parse_number.h"

namespace aya::cli {

Outcome nc(Context& context, const Arguments& args) {
  Flags none;
  const auto left = context.parse(none, args);
  if (!left) return left.error();
  if (left->size() != 2) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " nc <hostname-or-IP> <port>"};
  }
  const auto port = parse_number<std::uint16_t>((*left)[1]);
  if (!port || *port == 0) {
    return Failure{Exit::BadArgument, "invalid port number \"" + printable((*left)[1]) + "\""};
  }
  const auto status = context.status(false);
  if (!status) return status.error();
  if (auto running = expect_running(context, *status); !running) return running;
  const auto connection = context.client.dial((*left)[0], *port);
  if (!connection && connection.error().kind == ClientError::Kind::Refused) {
    const std::string target = (*left)[0] + ":" + (*left)[1];
    return Failure{
        Exit::Failed,
        "cannot connect to " + printable(target) + ": " + printable(connection.error().text)};
  }
  if (!connection) return context.failure(connection.error());
  if (!context.out((*connection)->already_read())) return {};
  const auto joined = context.console.join((*connection)->fd());
  if (!joined) return Failure{Exit::Failed, joined.error().text};
  return {};
}

}  // namespace aya::cli
