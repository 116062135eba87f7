// Joins DerpHub to streams: takes over connections that have been upgraded, pumps them, and hangs
// up when the hub says so.
#pragma once

#include <unordered_map>

#include "coord-server/relay_server/derp_hub.h"
#include "coord-server/relay_server/relay_http.h"
#include "proto/io/byte_stream.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::coord {

class RelayLink {
 public:
  // All outlive this.
  RelayLink(
      io::Loop& loop, const derp::RelayPrivateKey& self,
      relay_server::DerpHub::Admission& admission, Rng& rng, Logger& log);
  ~RelayLink();

  const derp::RelayPublicKey& public_key() const { return hub_.public_key(); }

  // `stream` was upgraded, `leftover` came behind the request.
  void adopt(
      std::unique_ptr<io::ByteStream> stream, Bytes leftover, const Endpoint& remote,
      const relay_server::UpgradeToDerp& upgrade);
  void close_key(const NodePublicKey& node);
  // Tells everyone to come back soon; before the program ends.
  void announce_restart();

  // The same answer as to a connection of our own: for relays elsewhere that ask.
  bool admits(const NodePublicKey& node, const IpAddress& source) {
    return admission_.admits(node, source);
  }

  std::size_t connections() const { return connections_.size(); }
  const relay_server::RelayCounters& counters() const { return hub_.counters(); }

 private:
  class Connection;

  void received(relay_server::ConnectionId id, Bytes bytes);
  void lost(relay_server::ConnectionId id);
  void pump(relay_server::ConnectionId id);
  void carry_out();

  io::Loop& loop_;
  Logger& log_;
  relay_server::DerpHub::Admission& admission_;
  relay_server::DerpHub hub_;
  io::Timer timer_;
  std::unordered_map<relay_server::ConnectionId, std::unique_ptr<Connection>> connections_;
  relay_server::DerpHub::Effects effects_;
  Buffer out_;
};

}  // namespace aya::coord
