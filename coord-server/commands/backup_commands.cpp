// Backups: they work on the folder itself rather than through the server.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "coord-server/app/backup.h"
#include "coord-server/app/files.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/verbs.h"
#include "proto/base/scope_exit.h"

namespace aya::coord {
namespace {

constexpr auto kRestartTakes = std::chrono::seconds(30);
constexpr auto kLookAgain = std::chrono::milliseconds(50);

Failure failed(const StartError& why) { return {Exit::Failed, why.text}; }

// The process that listens at the socket; none: nobody does.
std::optional<pid_t> server_at(const std::string& socket) {
  const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (handle < 0) return std::nullopt;
  const ScopeExit closing([&] { ::close(handle); });
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (socket.size() >= sizeof at.sun_path) return std::nullopt;
  std::memcpy(at.sun_path, socket.c_str(), socket.size());
  if (::connect(handle, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    return std::nullopt;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(handle, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.pid;
}

// The running server lets go of the database, does what was laid down, and comes back. It has
// nothing to tell us by while it does: we look again.
Done restart(const Invocation& call, pid_t server) {
  if (server <= 0 || ::kill(server, SIGHUP) != 0) {
    return Failure{
        Exit::Failed,
        "the backup is laid down, and the server cannot be told; restart it to make it take "
        "effect"};
  }
  const auto until = std::chrono::steady_clock::now() + kRestartTakes;
  while (std::chrono::steady_clock::now() < until) {
    const bool done = ::access((call.places.state + "/restore.db").c_str(), F_OK) != 0;
    if (done && call.client.call("GET", "/status")) return {};
    std::this_thread::sleep_for(kLookAgain);
  }
  return Failure{Exit::TimedOut, "the server did not come back in 30 s; see its log"};
}

}  // namespace

Done backup_command(const Invocation& call) {
  auto installation = open_installation(call.places);
  if (!installation) return failed(installation.error());
  const std::string& file = call.arguments[0];
  if (auto made = back_up_installation(*installation, file); !made) return failed(made.error());
  print(
      call.json ? json_text({{"file", file}})
                : "backup written to " + file + "; it holds secrets, keep it safe\n");
  return {};
}

Done restore_command(const Invocation& call) {
  const std::string& file = call.arguments[0];
  if (!call.line.has("yes")) {
    return Failure{
        Exit::Usage, "all that changed since " + file + " was written will be gone from " +
                         call.places.state + "; say --yes if that is meant"};
  }
  if (auto laid = lay_down_restore(file, call.places); !laid) return failed(laid.error());
  const auto server = server_at(call.places.socket);
  if (server) {
    if (auto back = restart(call, *server); !back) return back;
  } else if (auto applied = apply_restore(call.places); !applied) {
    return failed(applied.error());
  }
  print(
      call.json
          ? json_text({{"file", file}})
          : "restored; what was there before is in " + call.places.database() +
                ".before-restore\n");
  return {};
}

}  // namespace aya::coord
