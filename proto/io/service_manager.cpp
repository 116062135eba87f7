#include "proto/io/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "proto/base/parse_number.h"

namespace aya::io {
namespace {

// A path, or with '@' in front a name without a file. -1: not to be had.
int connect_to(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
  ::close(socket);
  return -1;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// Half of what the manager allows; for another process of the service it is not meant.
Duration watchdog_pace() {
  const auto allowed = parse_number<std::int64_t>(variable("WATCHDOG_USEC"));
  const std::string_view whom = variable("WATCHDOG_PID");
  if (!allowed || *allowed <= 0) return {};
  if (!whom.empty() && parse_number<pid_t>(whom) != ::getpid()) return {};
  return std::chrono::microseconds(*allowed) / 2;
}

}  // namespace

ServiceManager::ServiceManager(Loop& loop)
    : socket_(connect_to(variable("NOTIFY_SOCKET"))),
      alive_every_(watchdog_pace()),
      alive_(loop, [this] { say_alive(); }) {}

ServiceManager::~ServiceManager() {
  if (socket_ < 0) return;
  say("STOPPING=1");
  ::close(socket_);
}

void ServiceManager::ready() {
  if (socket_ < 0) return;
  say("READY=1");
  if (alive_every_ > Duration::zero()) say_alive();
}

void ServiceManager::say_alive() {
  say("WATCHDOG=1");
  alive_.arm_in(alive_every_);
}

// One that does not listen any more has nothing to be told.
void ServiceManager::say(const char* what) {
  (void)::send(socket_, what, std::strlen(what), MSG_NOSIGNAL);
}

}  // namespace aya::io
