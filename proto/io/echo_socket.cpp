#include "proto/io/echo_socket.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "proto/base/endian.h"
#include "proto/io/fd_watcher.h"
#include "proto/io/sockaddr.h"
#include "proto/packet/checksum.h"

namespace aya::io {
namespace {

constexpr std::size_t kHeader = 8;   // type, code, checksum, identifier, sequence
constexpr std::size_t kCookie = 16;  // random: only who got the question can answer it
constexpr std::size_t kMostAtOnce = 64;

using Cookie = std::array<std::byte, kCookie>;

Buffer question_to(const IpAddress& host, const Cookie& cookie) {
  Buffer out(kHeader + kCookie, std::byte{0});
  out[0] = std::byte{host.is_v4() ? std::uint8_t{ICMP_ECHO} : std::uint8_t{ICMP6_ECHO_REQUEST}};
  copy_bytes(MutableBytes(out).subspan(4, 2), Bytes(cookie).first(2));
  copy_bytes(MutableBytes(out).subspan(kHeader), Bytes(cookie));
  // The kernel fills in ICMPv6's, which covers addresses that only it knows.
  if (host.is_v4()) store_be(out.data() + 2, ChecksumSum().add(Bytes(out)).finish());
  return out;
}

// The cookie of an answer; nullopt: something else.
std::optional<Cookie> answer_in(Bytes packet, bool v4) {
  if (v4) {  // raw IPv4 sockets hand out the IP header, too
    if (packet.size() < 20) return std::nullopt;
    const auto size = std::size_t{4} * (std::to_integer<std::size_t>(packet[0]) & 0xf);
    if (size < 20 || packet.size() < size) return std::nullopt;
    packet = packet.subspan(size);
  }
  const auto type = v4 ? std::uint8_t{ICMP_ECHOREPLY} : std::uint8_t{ICMP6_ECHO_REPLY};
  if (packet.size() != kHeader + kCookie || packet[0] != std::byte{type}) return std::nullopt;
  Cookie cookie;
  copy_bytes(MutableBytes(cookie), packet.subspan(kHeader));
  return cookie;
}

class Descriptor {
 public:
  Descriptor(bool v4, const SocketOptions& options)
      : number_(::socket(
            v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
            v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6})) {
    if (number_ < 0) return;
    apply(options, number_);
    // Answers alone: a busy host hears many things.
    if (v4) {
      icmp_filter only{};
      only.data = ~(1u << ICMP_ECHOREPLY);
      ::setsockopt(number_, SOL_RAW, ICMP_FILTER, &only, sizeof only);
    } else {
      icmp6_filter only;
      ICMP6_FILTER_SETBLOCKALL(&only);
      ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only);
      ::setsockopt(number_, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof only);
    }
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

struct EchoSocket::Impl {
  struct Family {
    Family(Impl& owner, bool v4, const SocketOptions& options) : descriptor(v4, options) {
      if (descriptor.number() < 0) return;
      watcher.emplace(
          owner.loop, descriptor.number(), [&owner, this, v4] { owner.read(*this, v4); });
    }
    Descriptor descriptor;
    std::optional<FdWatcher> watcher;  // ends before the descriptor
  };
  struct Question {
    IpAddress host;
    Cookie cookie{};
    TimePoint asked;
  };

  Impl(Loop& on, Rng& random, const SocketOptions& options, Duration how_long, Answered then)
      : loop(on),
        rng(random),
        patience(how_long),
        answered(std::move(then)),
        v4(*this, true, options),
        v6(*this, false, options) {}

  void ask(const IpAddress& host) {
    const TimePoint now = loop.now();
    std::erase_if(open, [&](const Question& one) { return now - one.asked > patience; });
    const Family& family = host.is_v4() ? v4 : v6;
    if (family.descriptor.number() < 0 || open.size() >= kMostAtOnce) return;
    const Question question{host, rng.array<kCookie>(), now};
    sockaddr_storage address;
    const socklen_t size = to_sockaddr({host, 0}, address);
    const Buffer bytes = question_to(host, question.cookie);
    const auto sent = ::sendto(
        family.descriptor.number(), bytes.data(), bytes.size(), 0,
        reinterpret_cast<const sockaddr*>(&address), size);
    if (sent >= 0) open.push_back(question);  // else the host is nowhere: the same as no answer
  }

  void read(Family& family, bool is_v4) {
    std::vector<std::pair<IpAddress, Duration>> found;
    std::array<std::byte, 2048> room;
    // What is left wakes us again: a flood must not keep the loop.
    for (std::size_t i = 0; i < kMostAtOnce; ++i) {
      const auto size = ::recv(family.descriptor.number(), room.data(), room.size(), 0);
      if (size < 0) break;
      const auto cookie = answer_in(Bytes(room).first(static_cast<std::size_t>(size)), is_v4);
      if (!cookie) continue;
      const auto question = std::ranges::find(open, *cookie, &Question::cookie);
      if (question == open.end() || question->host.is_v4() != is_v4) continue;
      const Duration latency = loop.now() - question->asked;
      if (latency <= patience) found.emplace_back(question->host, latency);
      open.erase(question);
    }
    // Last: whoever hears may end this object.
    const Answered tell = answered;
    for (const auto& [host, latency] : found) tell(host, latency);
  }

  Loop& loop;
  Rng& rng;
  Duration patience;
  Answered answered;
  std::vector<Question> open;
  Family v4, v6;
};

EchoSocket::EchoSocket(
    Loop& loop, Rng& rng, const SocketOptions& options, Duration patience, Answered answered)
    : impl_(std::make_unique<Impl>(loop, rng, options, patience, std::move(answered))) {}
EchoSocket::~EchoSocket() = default;

void EchoSocket::ask(const IpAddress& host) { impl_->ask(host); }

bool EchoSocket::works(bool v4) const {
  return (v4 ? impl_->v4 : impl_->v6).descriptor.number() >= 0;
}

}  // namespace aya::io
