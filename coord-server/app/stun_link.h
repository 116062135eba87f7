// Joins StunResponder to UDP sockets: every reply leaves from the address that was asked.
#pragma once

#include "coord-server/app/config.h"
#include "coord-server/relay_server/stun_responder.h"
#include "proto/io/udp_socket.h"

namespace aya::coord {

class StunLink final : private io::UdpSocket::Handler {
 public:
  // References outlive the link.
  static Result<std::unique_ptr<StunLink>, io::IoError> open(
      io::Loop& loop, const ListenAt& at, Rng& rng);

 private:
  StunLink(io::Loop& loop, Rng& rng) : loop_(loop), responder_(rng) {}
  void on_datagrams(std::span<io::UdpReceived> batch) override;

  io::Loop& loop_;
  relay_server::StunResponder responder_;
  PacketPool pool_;
  std::unique_ptr<io::UdpSocket> socket_;
  Buffer reply_;
};

}  // namespace aya::coord
