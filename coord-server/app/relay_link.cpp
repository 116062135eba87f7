#include "coord-server/app/relay_link.h"

#include <utility>

namespace aya::coord {

using relay_server::ConnectionId;

class RelayLink::Connection final : public io::ByteStream::Handler {
 public:
  Connection(RelayLink& relay, ConnectionId id, std::unique_ptr<io::ByteStream> opened)
      : stream(std::move(opened)), relay_(relay), id_(id) {}

  // Each may destroy this.
  void on_bytes(Bytes bytes) override { relay_.received(id_, bytes); }
  void on_closed(const io::IoError&) override { relay_.lost(id_); }
  void on_drained() override { relay_.pump(id_); }

  std::unique_ptr<io::ByteStream> stream;

 private:
  RelayLink& relay_;
  ConnectionId id_;
};

RelayLink::RelayLink(
    io::Loop& loop, const derp::RelayPrivateKey& self, relay_server::DerpHub::Admission& admission,
    Rng& rng, Logger& log)
    : loop_(loop),
      log_(log),
      admission_(admission),
      hub_(self, {}, admission, rng),
      timer_(loop, [this] {
        hub_.advance(loop_.now(), effects_);
        carry_out();
      }) {}

RelayLink::~RelayLink() = default;

void RelayLink::adopt(
    std::unique_ptr<io::ByteStream> stream, Bytes leftover, const Endpoint& remote,
    const relay_server::UpgradeToDerp& upgrade) {
  const ConnectionId id = hub_.accept(remote, upgrade.ideal, loop_.now(), effects_);
  auto connection = std::make_unique<Connection>(*this, id, std::move(stream));
  connection->stream->write(as_bytes(upgrade.response_head));
  connection->stream->start(*connection);
  connections_.emplace(id, std::move(connection));
  if (!leftover.empty()) hub_.receive(id, leftover, loop_.now(), effects_);
  carry_out();
}

void RelayLink::close_key(const NodePublicKey& node) {
  hub_.close_key(node, loop_.now(), effects_);
  carry_out();
}

void RelayLink::announce_restart() {
  hub_.announce_restart(std::chrono::seconds(1), std::chrono::seconds(60), loop_.now(), effects_);
  carry_out();
}

void RelayLink::received(ConnectionId id, Bytes bytes) {
  hub_.receive(id, bytes, loop_.now(), effects_);
  carry_out();
}

void RelayLink::lost(ConnectionId id) {
  hub_.lost(id, loop_.now(), effects_);
  connections_.erase(id);
  carry_out();
}

// The stream takes bytes up to its high-water mark, and one frame more so that it says when it has
// drained; the rest waits in the hub, where old packets give way to new ones.
void RelayLink::pump(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  io::ByteStream& stream = *found->second->stream;
  while (stream.queued() <= io::ByteStream::kHighWater) {
    out_.clear();
    const std::size_t room = io::ByteStream::kHighWater + 1 - stream.queued();
    if (hub_.write(id, room, out_, loop_.now()) == 0) return;
    stream.write(out_);
  }
}

void RelayLink::carry_out() {
  for (const ConnectionId id : effects_.writable) pump(id);
  for (const auto& [id, paused] : effects_.pauses) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    paused ? connection.stream->pause() : connection.stream->start(connection);
  }
  for (const auto& [id, reason] : effects_.closed) {
    log_.debug("relay connection ended", {{"why", relay_server::to_text(reason)}});
    connections_.erase(id);
  }
  effects_.clear();
  timer_.arm(hub_.next_deadline());
}

}  // namespace aya::coord
