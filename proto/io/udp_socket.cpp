#include "proto/io/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/base/check.h"
#include "proto/io/sockaddr.h"
#include "proto/io/uv_handle.h"

namespace aya::io {
namespace {

// A wake-up takes at most this many batches, so that a flood cannot starve the rest of the loop.
constexpr int kBatchesPerWakeup = 8;
constexpr int kPortTries = 8;

void set_option(int descriptor, int level, int option, int value) {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

// What we may force, else what the system grants anyone.
void set_buffer(int descriptor, int forced, int polite, std::size_t size) {
  const int wanted = static_cast<int>(size);
  if (::setsockopt(descriptor, SOL_SOCKET, forced, &wanted, sizeof wanted) != 0) {
    ::setsockopt(descriptor, SOL_SOCKET, polite, &wanted, sizeof wanted);
  }
}

// What libuv means when it says no more than "error".
int pending_error(int descriptor) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  return error != 0 ? error : EIO;
}

template <class T>
T control_value(const cmsghdr* header) {
  T value;
  std::memcpy(&value, CMSG_DATA(header), sizeof value);
  return value;
}

// Room for the packet information of either family and the kernel's drop counter.
struct ControlRoom {
  alignas(cmsghdr) std::array<
      std::byte, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t))> bytes;
};

}  // namespace

struct UdpSocket::Impl {
  // One family's descriptor in the loop; freed by libuv's close callback.
  struct Family final : LoopHandle {
    void shut() override {
      owner = nullptr;
      uv_close(as_handle(&poll), [](uv_handle_t* closed) { delete &of(closed->data); });
      // At once, which libuv allows: the port is free for whoever binds the next socket.
      ::close(descriptor);
    }
    static Family& of(void* data) { return *static_cast<Family*>(static_cast<LoopHandle*>(data)); }

    uv_poll_t poll{};
    Impl* owner = nullptr;  // null once closing
    int descriptor = -1;
    bool v6 = false;
    bool wants_writable = false;
    std::uint32_t overflow_seen = 0;
  };

  Impl(Loop& on, PacketPool& from, Handler& to) : loop(on), pool(from), handler(&to) {}
  ~Impl() { close(); }

  void close();
  std::optional<IoError> add(bool v6, std::uint16_t port, const UdpOptions& options);
  void set_events(Family& family);
  void on_event(Family& family, int status, int events);
  std::size_t receive(Family& family);
  void read_control(Family& family, msghdr& header, UdpReceived& received);
  void broken(int error);

  std::size_t send_run(std::span<const UdpSend> run, Family& family);
  void prepare(const UdpSend& one, std::size_t slot);
  bool count_send_error(int error);

  Loop& loop;
  PacketPool& pool;
  Handler* handler;
  Family* v4 = nullptr;
  Family* v6 = nullptr;
  std::uint16_t bound_port = 0;
  bool is_broken = false;
  UdpCounters counters;
  std::weak_ptr<Impl> self;

  // The arrays of the batched system calls, made once.
  std::array<UdpReceived, kBatch> received;
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> addresses{};
  std::array<ControlRoom, kBatch> controls;
};

void UdpSocket::Impl::close() {
  handler = nullptr;
  for (Family* family : {std::exchange(v4, nullptr), std::exchange(v6, nullptr)}) {
    if (family != nullptr) family->shut();
  }
}

std::optional<IoError> UdpSocket::Impl::add(
    bool is_v6, std::uint16_t port, const UdpOptions& options) {
  const IpAddress any = is_v6 ? IpAddress::v6(std::array<std::byte, 16>{}) : IpAddress{};
  const Endpoint at{options.address.value_or(any), port};
  const int descriptor =
      ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return IoError::from_errno(errno, "open a UDP socket");

  set_option(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
  set_buffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, options.socket_buffer);
  set_buffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, options.socket_buffer);
  // A forged "too big" must not make a black hole of a peer: large datagrams are fragmented.
  if (is_v6) {
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_option(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  } else {
    set_option(descriptor, IPPROTO_IP, IP_PKTINFO, 1);
    set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  }
  apply(options.socket, descriptor);

  sockaddr_storage address;
  const socklen_t size = to_sockaddr(at, address);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    const auto error = IoError::from_errno(errno, "bind UDP " + at.to_text());
    ::close(descriptor);
    return error;
  }
  socklen_t length = sizeof address;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  bound_port = from_sockaddr(address)->port;

  auto* family = new Family;  // frees itself after shut()
  family->owner = this;
  family->descriptor = descriptor;
  family->v6 = is_v6;
  family->poll.data = static_cast<LoopHandle*>(family);
  AYA_CHECK(uv_poll_init(loop.uv(), &family->poll, descriptor) == 0);
  (is_v6 ? v6 : v4) = family;
  set_events(*family);
  return std::nullopt;
}

void UdpSocket::Impl::set_events(Family& family) {
  const int events = UV_READABLE | (family.wants_writable ? UV_WRITABLE : 0);
  AYA_CHECK(uv_poll_start(&family.poll, events, [](uv_poll_t* poll, int status, int happened) {
              Family& at = Family::of(poll->data);
              if (at.owner != nullptr) at.owner->on_event(at, status, happened);
            }) == 0);
}

void UdpSocket::Impl::on_event(Family& family, int status, int events) {
  // Callbacks may destroy the socket: this keeps the arrays until the call is over.
  const std::shared_ptr<Impl> keep = self.lock();
  if (status < 0) return broken(pending_error(family.descriptor));
  if ((events & UV_WRITABLE) != 0 && family.wants_writable) {
    family.wants_writable = false;
    set_events(family);
    handler->on_writable();
  }
  if ((events & UV_READABLE) == 0) return;
  for (int i = 0; i < kBatchesPerWakeup && handler != nullptr; ++i) {
    const std::size_t count = receive(family);
    if (count == 0) return;
    handler->on_datagrams(std::span(received).first(count));
    for (UdpReceived& one : std::span(received).first(count)) one.packet = Packet();
    if (count < kBatch) return;
  }
}

std::size_t UdpSocket::Impl::receive(Family& family) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    if (!received[i].packet) received[i].packet = pool.take();
    const MutableBytes room = received[i].packet.writable().first(pool.max_data());
    parts[i] = {room.data(), room.size()};
    msghdr& header = headers[i].msg_hdr;
    header = {};
    header.msg_name = &addresses[i];
    header.msg_namelen = sizeof addresses[i];
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    header.msg_control = controls[i].bytes.data();
    header.msg_controllen = controls[i].bytes.size();
  }
  const int got = ::recvmmsg(family.descriptor, headers.data(), kBatch, 0, nullptr);
  if (got < 0) {
    // Errors that ICMP reports about earlier datagrams say nothing about the socket.
    const bool ordinary = errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED ||
                          errno == EHOSTUNREACH || errno == ENETUNREACH;
    if (!ordinary) broken(errno);
    return 0;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    msghdr& header = headers[i].msg_hdr;
    const auto from = from_sockaddr(addresses[i]);
    ++counters.received;
    if ((header.msg_flags & MSG_TRUNC) != 0 || !from) {
      ++counters.truncated;
      continue;
    }
    read_control(family, header, received[i]);
    received[i].from = *from;
    received[i].packet.resize(headers[i].msg_len);
    if (kept != i) std::swap(received[kept], received[i]);
    ++kept;
  }
  // All of a full batch may have been refused; the next wake-up goes on.
  return kept;
}

void UdpSocket::Impl::read_control(Family& family, msghdr& header, UdpReceived& one) {
  one.local = IpAddress{};
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
      const auto total = control_value<std::uint32_t>(at);
      counters.overflowed += total - family.overflow_seen;
      family.overflow_seen = total;
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      one.local = IpAddress::v4(ntohl(control_value<in_pktinfo>(at).ipi_addr.s_addr));
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      const auto info = control_value<in6_pktinfo>(at);
      std::array<std::byte, 16> raw;
      std::memcpy(raw.data(), &info.ipi6_addr, raw.size());
      one.local = IpAddress::v6(raw);
    }
  }
}

// What kills one family's descriptor has killed the other's, or soon will.
void UdpSocket::Impl::broken(int error) {
  is_broken = true;
  for (Family* family : {v4, v6}) {
    if (family != nullptr) uv_poll_stop(&family->poll);
  }
  handler->on_broken(IoError::from_errno(error, "receive UDP"));
}

// ---- sending

void UdpSocket::Impl::prepare(const UdpSend& one, std::size_t slot) {
  parts[slot] = {const_cast<std::byte*>(one.bytes.data()), one.bytes.size()};
  msghdr& header = headers[slot].msg_hdr;
  header = {};
  header.msg_name = &addresses[slot];
  header.msg_namelen = to_sockaddr(one.to, addresses[slot]);
  header.msg_iov = &parts[slot];
  header.msg_iovlen = 1;
  if (one.local.is_unspecified() || one.local.is_v4() != one.to.address.is_v4()) return;

  header.msg_control = controls[slot].bytes.data();
  auto* control = reinterpret_cast<cmsghdr*>(controls[slot].bytes.data());
  if (one.local.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, one.local.bytes().data(), 4);
    *control = {CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO};
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
    header.msg_controllen = CMSG_SPACE(sizeof info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, one.local.bytes().data(), 16);
    *control = {CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO};
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
    header.msg_controllen = CMSG_SPACE(sizeof info);
  }
}

// False: the socket is full, and the datagram can be sent later.
bool UdpSocket::Impl::count_send_error(int error) {
  switch (error) {
    case EAGAIN:
      return false;
    case EINTR:
      return true;
    case EMSGSIZE:
      ++counters.too_big;
      return true;
    case EPERM:
    case EACCES:
      ++counters.forbidden;
      return true;
    case ENOBUFS:
      ++counters.no_buffers;
      return true;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EINVAL:
      ++counters.unreachable;
      return true;
    // ICMP's word about an earlier datagram to this socket; this one was not sent.
    case ECONNREFUSED:
      ++counters.unreachable;
      return true;
    default:
      ++counters.failed;
      return true;
  }
}

std::size_t UdpSocket::Impl::send_run(std::span<const UdpSend> run, Family& family) {
  for (std::size_t i = 0; i < run.size(); ++i) prepare(run[i], i);
  std::size_t done = 0;
  while (done < run.size()) {
    const int sent = ::sendmmsg(
        family.descriptor, headers.data() + done, static_cast<unsigned>(run.size() - done), 0);
    if (sent > 0) {
      counters.sent += static_cast<std::uint64_t>(sent);
      done += static_cast<std::size_t>(sent);
    } else if (count_send_error(errno)) {
      if (errno != EINTR) ++done;  // this one is lost, the others are not
    } else {
      family.wants_writable = true;
      set_events(family);
      break;
    }
  }
  return done;
}

std::size_t UdpSocket::send(std::span<const UdpSend> batch) {
  if (impl_->is_broken) {
    impl_->counters.failed += batch.size();
    return batch.size();
  }
  std::size_t done = 0;
  while (done < batch.size()) {
    // Neighbours of one family go out in one call.
    const bool is_v4 = batch[done].to.address.is_v4();
    std::size_t end = done + 1;
    while (end < batch.size() && end - done < kBatch && batch[end].to.address.is_v4() == is_v4)
      ++end;
    Impl::Family* family = is_v4 ? impl_->v4 : impl_->v6;
    if (family == nullptr) {
      impl_->counters.unreachable += end - done;
    } else {
      const std::size_t sent = impl_->send_run(batch.subspan(done, end - done), *family);
      if (sent < end - done) return done + sent;
    }
    done = end;
  }
  return done;
}

// ---- the public face

Result<std::unique_ptr<UdpSocket>, IoError> UdpSocket::open(
    Loop& loop, PacketPool& pool, const UdpOptions& options, Handler& handler) {
  const bool v4 = options.v4 && (!options.address || options.address->is_v4());
  const bool v6 = options.v6 && (!options.address || options.address->is_v6());
  std::optional<IoError> error;
  for (int i = 0; i < kPortTries; ++i) {
    auto impl = std::make_shared<Impl>(loop, pool, handler);
    impl->self = impl;
    std::uint16_t port = options.port;
    if (v4) {
      error = impl->add(false, port, options);
      if (error) return *error;
      port = impl->bound_port;
    }
    if (v6) {
      error = impl->add(true, port, options);
      const bool lacks_v6 = error && error->kind != IoError::Kind::AddressInUse;
      // The port that the system chose for IPv4 may be taken in IPv6: draw another.
      if (error && !lacks_v6 && options.port == 0) continue;
      if (error && (!v4 || !lacks_v6)) return *error;
    }
    return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(impl)));
  }
  return *error;
}

UdpSocket::UdpSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::~UdpSocket() { impl_->close(); }
std::uint16_t UdpSocket::port() const { return impl_->bound_port; }
bool UdpSocket::has_v4() const { return impl_->v4 != nullptr; }
bool UdpSocket::has_v6() const { return impl_->v6 != nullptr; }
const UdpCounters& UdpSocket::counters() const { return impl_->counters; }

void UdpSocket::set_dont_fragment(bool on) {
  // PROBE sets the flag and ignores what the system believes about the path.
  if (impl_->v4 != nullptr) {
    set_option(
        impl_->v4->descriptor, IPPROTO_IP, IP_MTU_DISCOVER,
        on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
  }
  if (impl_->v6 != nullptr) {
    set_option(
        impl_->v6->descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
        on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
  }
}

}  // namespace aya::io
