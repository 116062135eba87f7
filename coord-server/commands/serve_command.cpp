#include <sys/resource.h>

#include <csignal>

#include "coord-server/app/server.h"
#include "coord-server/commands/verbs.h"
#include "proto/io/loop.h"
#include "proto/log/logger.h"

namespace aya::coord {
namespace {

// Every device holds two connections; the usual soft limit is 1024.
void allow_many_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Done serve_command(const Invocation& call) {
  auto installation = open_installation(call.dir);
  if (!installation) return Failure{Exit::Failed, installation.error().text};
  allow_many_connections();
  Logger log(call.line.has("verbose") ? LogLevel::Debug : LogLevel::Info);
  io::Loop loop;
  auto server = Server::start(loop, std::move(*installation), log);
  if (!server) return Failure{Exit::Failed, server.error().text};
  loop.on_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  loop.run();
  log.info("stopping");
  return {};
}

}  // namespace aya::coord
