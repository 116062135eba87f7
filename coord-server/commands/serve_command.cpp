#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "coord-server/app/backup.h"
#include "coord-server/app/server.h"
#include "coord-server/commands/verbs.h"
#include "proto/io/service_manager.h"
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

// The folder of the socket is gone after a reboot; a service manager makes it, a person may not.
void make_socket_folder(const Places& places) {
  std::error_code ignored;  // opening the socket tells what is wrong
  std::filesystem::create_directories(
      std::filesystem::path(places.socket).parent_path(), ignored);
}

}  // namespace

Done serve_command(const Invocation& call) {
  allow_many_connections();
  make_socket_folder(call.places);
  Logger log(call.line.has("verbose") ? LogLevel::Debug : LogLevel::Info);
  // SIGHUP: everything is read anew, and a backup that was laid down takes its place.
  for (bool again = true; again;) {
    again = false;
    auto restored = apply_restore(call.places);
    if (!restored) return Failure{Exit::Failed, restored.error().text};
    if (*restored) log.info("restored from a backup");
    auto installation = open_installation(call.places);
    if (!installation) return Failure{Exit::Failed, installation.error().text};
    io::Loop loop;
    auto server = Server::start(loop, std::move(*installation), log);
    if (!server) return Failure{Exit::Failed, server.error().text};
    io::ServiceManager manager(loop);
    manager.ready();
    loop.on_signals({SIGHUP, SIGINT, SIGTERM}, [&](int signal) {
      again = signal == SIGHUP;
      loop.stop();
    });
    loop.run();
    log.info(again ? "starting anew" : "stopping");
  }
  return {};
}

}  // namespace aya::coord
