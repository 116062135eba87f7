#include "proto/io/sockaddr.h"

#include <netinet/in.h>

#include <cstring>

namespace aya::io {

socklen_t to_sockaddr(const Endpoint& at, sockaddr_storage& out) {
  std::memset(&out, 0, sizeof(out));
  const Bytes address = at.address.bytes();
  if (at.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(at.port);
    std::memcpy(&in.sin_addr, address.data(), address.size());
    std::memcpy(&out, &in, sizeof(in));
    return sizeof(in);
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(at.port);
  std::memcpy(&in.sin6_addr, address.data(), address.size());
  std::memcpy(&out, &in, sizeof(in));
  return sizeof(in);
}

std::optional<Endpoint> from_sockaddr(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    return Endpoint{IpAddress::v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof(in));
    std::array<std::byte, 16> raw;
    std::memcpy(raw.data(), &in.sin6_addr, raw.size());
    return Endpoint{IpAddress::from_mapped_16(raw), ntohs(in.sin6_port)};
  }
  return std::nullopt;
}

}  // namespace aya::io
