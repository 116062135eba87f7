#include <sys/socket.h>

#include "daemon/os/marks.h"

namespace aya::os {

Result<void, OsError> mark_socket(int fd) {
  const std::uint32_t mark = kBypassMark;
  if (::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
    return last_error("mark a socket");
  }
  return {};
}

}  // namespace aya::os
