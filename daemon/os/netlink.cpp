#include "daemon/os/netlink.h"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace aya::os {
namespace {

constexpr std::size_t kReceiveSize = 64 * 1024;
// Room for the answers to kInFlight requests, or for the events of a busy container host.
constexpr int kReceiveBuffer = 1024 * 1024;
constexpr int kReceiveBufferAtMost = 16 * kReceiveBuffer;

// Beyond the system's limit where we may.
void set_receive_buffer(int fd, int size) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == 0) return;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

void grow_receive_buffer(int fd) {
  int size = 0;
  socklen_t length = sizeof size;
  // The kernel reports twice what was asked for, so asking for what it reports doubles it.
  if (::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &length) != 0) return;
  set_receive_buffer(fd, std::min(size, kReceiveBufferAtMost));
}

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
  if (!fd) {
    return last_error(
        "open a netlink socket",
        "addresses and routes cannot be set without: allow AF_NETLINK where this host's sandbox "
        "forbids it (RestrictAddressFamilies=, seccomp)");
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return last_error("bind a netlink socket");
  }
  set_receive_buffer(fd.get(), kReceiveBuffer);
  // Refused requests are not sent back, and dumps hold what was asked for; older kernels do
  // neither, and readers sort out what they want.
  const int on = 1;
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  socklen_t length = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return last_error("bind a netlink socket");
  }
  return NetlinkSocket(std::move(fd), address.nl_pid);
}

Result<void, OsError> NetlinkSocket::request(NetlinkMessage message, const std::string& doing) {
  return exchange(std::move(message), doing, [](const NetlinkView&) {});
}

Result<std::vector<int>, OsError> NetlinkSocket::request_all(std::vector<NetlinkMessage> messages) {
  std::vector<int> out(messages.size());
  Buffer received(kReceiveSize);
  for (std::size_t start = 0; start < messages.size(); start += kInFlight) {
    const std::size_t count = std::min(kInFlight, messages.size() - start);
    const std::uint32_t first = sequence_ + 1;
    Buffer burst;
    for (std::size_t i = 0; i < count; ++i) append(burst, messages[start + i].finish(++sequence_));
    if (::send(fd_.get(), burst.data(), burst.size(), 0) < 0) return last_error("send requests");

    for (std::size_t answered = 0; answered < count;) {
      const ssize_t size = ::recv(fd_.get(), received.data(), received.size(), 0);
      if (size < 0) {
        if (errno == EINTR) continue;
        return last_error("read the answers of the kernel");
      }
      for_each_message(
          Bytes(received).first(static_cast<std::size_t>(size)), [&](const NetlinkView& answer) {
            const std::uint32_t number = answer.header().nlmsg_seq - first;
            if (answer.type() != NLMSG_ERROR || number >= count) return;
            out[start + number] = -answer.body<nlmsgerr>().error;
            ++answered;
          });
    }
  }
  return out;
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

Result<NetlinkEvents, OsError> NetlinkEvents::open(
    std::span<const int> groups, const std::string& doing) {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return last_error(doing);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return last_error(doing);
  }
  set_receive_buffer(fd.get(), kReceiveBuffer);
  const bool is_told = std::ranges::all_of(groups, [&](int group) {
    return ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
  });
  if (is_told) return NetlinkEvents(std::move(fd), false);

  OwnedFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  const timespec pause{static_cast<time_t>(kPollEvery / 1s), 0};
  const itimerspec every{pause, pause};
  if (!timer || ::timerfd_settime(timer.get(), 0, &every, nullptr) != 0) return last_error(doing);
  return NetlinkEvents(std::move(timer), true);
}

bool NetlinkEvents::drain(const std::function<void(const NetlinkView&)>& each) {
  if (polls_) {
    std::uint64_t ticks = 0;
    return ::read(fd_.get(), &ticks, sizeof ticks) != sizeof ticks;
  }
  std::array<std::byte, 32 * 1024> scratch;
  bool whole = true;
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (size > 0) {
      for_each_message(Bytes(scratch).first(static_cast<std::size_t>(size)), each);
    } else if (size < 0 && errno == ENOBUFS) {
      whole = false;
      grow_receive_buffer(fd_.get());
    } else if (size == 0 || errno != EINTR) {
      return whole;
    }
  }
}

std::optional<std::uint32_t> read_u32(Bytes value) {
  std::uint32_t out = 0;
  if (value.size() != sizeof out) return std::nullopt;
  std::memcpy(&out, value.data(), sizeof out);
  return out;
}

std::string read_name(Bytes value) {
  const std::string_view text = as_text(value);
  return std::string(text.substr(0, text.find('\0')));
}

std::optional<IpAddress> read_address(std::uint8_t family, Bytes value) {
  if (family == AF_INET && value.size() == 4) return IpAddress::v4(value.first<4>());
  if (family == AF_INET6 && value.size() == 16) return IpAddress::v6(value.first<16>());
  return std::nullopt;
}

std::uint8_t family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

}  // namespace aya::os
