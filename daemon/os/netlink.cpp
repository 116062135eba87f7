#include "daemon/os/netlink.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace aya::os {
namespace {
constexpr std::size_t kReceiveSize = 64 * 1024;
}  // namespace

void NetlinkMessage::put(const void* data, std::size_t size) {
  append(bytes_, {static_cast<const std::byte*>(data), size});
  align();
}

void NetlinkMessage::align() { bytes_.resize(NLMSG_ALIGN(bytes_.size())); }

NetlinkMessage& NetlinkMessage::add(std::uint16_t attribute, Bytes value) {
  const rtattr header{static_cast<unsigned short>(RTA_LENGTH(value.size())), attribute};
  append(bytes_, {reinterpret_cast<const std::byte*>(&header), sizeof header});
  append(bytes_, value);
  align();
  return *this;
}

NetlinkMessage& NetlinkMessage::add_u32(std::uint16_t attribute, std::uint32_t value) {
  return add(attribute, {reinterpret_cast<const std::byte*>(&value), sizeof value});
}

NetlinkMessage& NetlinkMessage::add_u8(std::uint16_t attribute, std::uint8_t value) {
  return add(attribute, {reinterpret_cast<const std::byte*>(&value), sizeof value});
}

Bytes NetlinkMessage::finish(std::uint32_t sequence) {
  nlmsghdr header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

nlmsghdr NetlinkView::header() const {
  nlmsghdr out{};
  if (message_.size() >= sizeof out) std::memcpy(&out, message_.data(), sizeof out);
  return out;
}

Bytes NetlinkView::attribute(std::size_t body_size, std::uint16_t wanted) const {
  const std::size_t start = sizeof(nlmsghdr) + NLMSG_ALIGN(body_size);
  if (message_.size() <= start) return {};
  Bytes rest = message_.subspan(start);
  while (rest.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > rest.size()) return {};
    if ((header.rta_type & NLA_TYPE_MASK) == wanted) {
      return rest.subspan(sizeof header, header.rta_len - sizeof header);
    }
    rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(header.rta_len), rest.size()));
  }
  return {};
}

void for_each_message(Bytes datagram, const std::function<void(const NetlinkView&)>& each) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) return;
    each(NetlinkView(datagram.first(header.nlmsg_len)));
    datagram =
        datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
}

Result<NetlinkSocket, OsError> NetlinkSocket::open() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return last_error("open a netlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return last_error("bind a netlink socket");
  }
  return NetlinkSocket(std::move(fd));
}

Result<void, OsError> NetlinkSocket::request(NetlinkMessage message, const std::string& doing) {
  return exchange(std::move(message), doing, [](const NetlinkView&) {});
}

Result<void, OsError> NetlinkSocket::dump(
    NetlinkMessage message, const std::string& doing,
    const std::function<void(const NetlinkView&)>& each) {
  return exchange(std::move(message), doing, each);
}

Result<void, OsError> NetlinkSocket::exchange(
    NetlinkMessage message, const std::string& doing,
    const std::function<void(const NetlinkView&)>& each) {
  const std::uint32_t sequence = ++sequence_;
  const Bytes request = message.finish(sequence);
  if (::send(fd_.get(), request.data(), request.size(), 0) < 0) return last_error(doing);

  Buffer received(kReceiveSize);
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), received.data(), received.size(), 0);
    if (size < 0) {
      if (errno == EINTR) continue;
      return last_error(doing);
    }
    bool done = false;
    int error = 0;
    for_each_message(
        Bytes(received).first(static_cast<std::size_t>(size)), [&](const NetlinkView& answer) {
          if (answer.header().nlmsg_seq != sequence) return;
          if (answer.type() == NLMSG_ERROR) {
            error = -answer.body<nlmsgerr>().error;
            done = true;
          } else if (answer.type() == NLMSG_DONE) {
            done = true;
          } else {
            each(answer);
          }
        });
    if (!done) continue;
    if (error == 0) return {};
    errno = error;
    return last_error(doing);
  }
}

std::optional<IpAddress> read_address(std::uint8_t family, Bytes value) {
  if (family == AF_INET && value.size() == 4) return IpAddress::v4(value.first<4>());
  if (family == AF_INET6 && value.size() == 16) return IpAddress::v6(value.first<16>());
  return std::nullopt;
}

std::uint8_t family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

}  // namespace aya::os
