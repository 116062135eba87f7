#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/scope_exit.h"
#include "proto/io/socket_options.h"

namespace aya::io {

void apply(const SocketOptions& options, int descriptor) {
  if (options.mark != 0) {
    ::setsockopt(descriptor, SOL_SOCKET, SO_MARK, &options.mark, sizeof(options.mark));
  }
  if (!options.device.empty()) {
    ::setsockopt(
        descriptor, SOL_SOCKET, SO_BINDTODEVICE, options.device.data(),
        static_cast<socklen_t>(options.device.size()));
  }
}

bool may_mark_sockets(std::uint32_t mark) {
  const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const ScopeExit close_probe([&] { ::close(probe); });
  return ::setsockopt(probe, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

}  // namespace aya::io
