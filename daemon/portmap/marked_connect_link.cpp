#include "daemon/portmap/marked_connect_link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>

#include "proto/netaddr/ip_address.h"

namespace aya::portmap {
namespace {

constexpr int kConnectMilliseconds = 3000;
constexpr timeval kCallTime{3, 0};

std::atomic<std::uint32_t> g_mark{0};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const IpAddress& at, std::uint16_t port, std::uint32_t scope) {
  SocketAddress out;
  if (at.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, at.bytes().data(), sizeof v4->sin_addr);
    out.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_scope_id = scope;
    std::memcpy(&v6->sin6_addr, at.bytes().data(), sizeof v6->sin6_addr);
    out.size = sizeof *v6;
  }
  return out;
}

bool is_connected(int fd, const SocketAddress& to) {
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd waits{fd, POLLOUT, 0};
  if (poll(&waits, 1, kConnectMilliseconds) != 1) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// A blocking socket whose calls end; -1: no connection.
int connect_marked(const IpAddress& host, std::uint16_t port, std::uint32_t scope) {
  const SocketAddress to = socket_address(host, port, scope);
  const int fd =
      socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return -1;
  const std::uint32_t mark = g_mark.load();
  const bool ready = (mark == 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0) &&
                     is_connected(fd, to) &&
                     fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0 &&
                     setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kCallTime, sizeof kCallTime) == 0 &&
                     setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kCallTime, sizeof kCallTime) == 0;
  if (ready) return fd;
  close(fd);
  return -1;
}

}  // namespace

void set_mark_of_calls(std::uint32_t mark) { g_mark.store(mark); }

}  // namespace aya::portmap

// A gateway is called by its address: names would have to be asked of somebody.
extern "C" __attribute__((visibility("default"))) int connecthostport(
    const char* host, unsigned short port, unsigned int scope_id) {
  std::string_view text(host);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto address = aya::IpAddress::parse(text.substr(0, text.find('%')));
  return address ? aya::portmap::connect_marked(*address, port, scope_id) : -1;
}
