#include "coord-server/app/stun_link.h"

namespace aya::coord {
namespace {

// A burst of requests; they are 40 bytes each.
constexpr std::size_t kSocketBuffer = 256 * 1024;

}  // namespace

Result<std::unique_ptr<StunLink>, io::IoError> StunLink::open(
    io::Loop& loop, const ListenAt& at, Rng& rng) {
  std::unique_ptr<StunLink> link(new StunLink(loop, rng));
  io::UdpOptions options;
  options.port = at.port;
  options.address = at.address;
  options.socket_buffer = kSocketBuffer;
  auto socket = io::UdpSocket::open(loop, link->pool_, options, *link);
  if (!socket) return socket.error();
  link->socket_ = std::move(*socket);
  return link;
}

// A reply that finds the socket full is lost: STUN clients ask again.
void StunLink::on_datagrams(std::span<io::UdpReceived> batch) {
  for (const io::UdpReceived& received : batch) {
    const Bytes asked = received.packet.bytes();
    if (!responder_.answer(asked, received.from, loop_.now(), reply_)) continue;
    const io::UdpSend send{reply_, received.from, received.local};
    socket_->send({&send, 1});
  }
}

}  // namespace aya::coord
