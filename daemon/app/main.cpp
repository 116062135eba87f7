// `ayatorid`: a node of the mesh, or with `wg IFNAME` a plain WireGuard interface.

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "daemon/app/cleanup.h"
#include "daemon/app/daemon.h"
#include "daemon/plain/plain_link.h"
#include "proto/io/service_manager.h"

int main(int argc, char** argv) {
  using namespace aya;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto options = app::parse_options(arguments);
  if (!options) {
    std::fputs(options.error().text.c_str(), options.error().exit_code == 0 ? stdout : stderr);
    return options.error().exit_code;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (options->cleanup) return app::clean_up(*options);
  Logger log(options->verbose > 0 ? LogLevel::Debug : LogLevel::Info);
  if (!options->plain_interface.empty()) return plain::run(options->plain_interface, log);

  io::Loop loop;
  auto daemon = app::Daemon::open(loop, log, *options);
  if (!daemon) {
    std::fprintf(stderr, "ayatorid: %s\n", daemon.error().c_str());
    return 1;
  }
  loop.on_signals({SIGTERM, SIGINT, SIGHUP}, [&](int number) {
    if (number != SIGHUP) return loop.stop();
    (*daemon)->reload_config();
  });
  io::ServiceManager manager(loop);
  manager.ready();
  log.info("ready", {{"socket", options->socket}});
  loop.run();
  return (*daemon)->failed() ? 1 : 0;
}
