// A hub and its clients in virtual time: connections without sockets, keys by name.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "coord-server/relay_server/derp_hub.h"
#include "proto/derp/hello.h"
#include "proto/derp/messages.h"
#include "proto/disco/envelope.h"
#include "tests/support/seeded_rng.h"

namespace aya::relay_server {

using derp::FrameType;

struct SeenFrame {
  FrameType type{};
  Buffer payload;
};

// Of a RecvPacket frame.
inline NodePublicKey source_of(const SeenFrame& frame) {
  return NodePublicKey(Bytes(frame.payload).first<NodePublicKey::kSize>());
}

inline std::vector<FrameType> types_of(const std::vector<SeenFrame>& frames) {
  std::vector<FrameType> out;
  for (const SeenFrame& frame : frames) out.push_back(frame.type);
  return out;
}

inline std::vector<SeenFrame> cut(Bytes stream) {
  std::vector<SeenFrame> out;
  derp::FrameReader reader;
  for (auto step = reader.step(stream); step != derp::FrameReader::Step::NeedMore;
       step = reader.step(stream)) {
    if (step != derp::FrameReader::Step::Frame) continue;
    out.push_back({reader.header().type, Buffer(reader.payload().begin(), reader.payload().end())});
  }
  EXPECT_FALSE(reader.inside_payload());
  return out;
}

// A DISCO-looking packet of `size` bytes ending in `mark`.
inline Buffer disco_packet(std::size_t size, std::uint8_t mark = 0) {
  Buffer out(size);
  copy_bytes(MutableBytes(out).first(disco::kMagic.size()), disco::kMagic);
  out.back() = static_cast<std::byte>(mark);
  return out;
}

class RelayBench : public DerpHub::Admission {
 public:
  explicit RelayBench(DerpHub::Options options = {})
      : relay(derp::RelayPrivateKey::generate(rng)), hub(relay, options, *this, rng) {}

  bool admits(const NodePublicKey& node, const IpAddress&) override {
    ++asked;
    return !banned.contains(node);
  }

  // The key that belongs to a name.
  static NodePrivateKey key(std::string_view name) {
    test::SeededRng seeded(std::hash<std::string_view>{}(name));
    return NodePrivateKey::generate(seeded);
  }
  static NodePublicKey node(std::string_view name) { return key(name).public_key(); }

  ConnectionId accept(bool ideal = true) {
    const Endpoint from{*IpAddress::parse("192.0.2.1"), next_port++};
    const ConnectionId id = hub.accept(from, ideal, now, effects);
    settle();
    return id;
  }

  void greet(ConnectionId id, std::string_view name, const derp::ClientInfo& info = {}) {
    Buffer frame;
    const auto nonce = rng.array<crypto::kBoxNonceSize>();
    ASSERT_TRUE(derp::write_client_info(key(name), hub.public_key(), nonce, info, frame));
    receive(id, frame);
  }

  // Greeted, and its greeting read.
  ConnectionId join(std::string_view name, const derp::ClientInfo& info = {}, bool ideal = true) {
    const ConnectionId id = accept(ideal);
    greet(id, name, info);
    EXPECT_EQ(types_of(read(id)), (std::vector{FrameType::ServerKey, FrameType::ServerInfo}))
        << name;
    return id;
  }

  void receive(ConnectionId id, Bytes bytes) {
    hub.receive(id, bytes, now, effects);
    settle();
  }

  void send(ConnectionId id, std::string_view to, Bytes packet) {
    Buffer frame;
    ASSERT_TRUE(derp::write_send_packet(node(to), packet, frame));
    receive(id, frame);
  }
  void send(ConnectionId id, std::string_view to, std::string_view text) {
    send(id, to, as_bytes(text));
  }

  void ping(ConnectionId id, std::uint8_t mark) {
    Buffer frame;
    derp::write_ping({static_cast<std::byte>(mark)}, frame);
    receive(id, frame);
  }

  std::vector<SeenFrame> read(ConnectionId id, std::size_t room = SIZE_MAX / 2) {
    Buffer out;
    const std::size_t written = hub.write(id, room, out, now);
    EXPECT_EQ(written, out.size());
    return cut(out);
  }

  // The texts of the packets that wait for `id`; anything else fails the test.
  std::vector<std::string> packets(ConnectionId id) {
    std::vector<std::string> out;
    for (const SeenFrame& frame : read(id)) {
      EXPECT_EQ(frame.type, FrameType::RecvPacket);
      out.emplace_back(as_text(Bytes(frame.payload).subspan(NodePublicKey::kSize)));
    }
    return out;
  }

  void lose(ConnectionId id) {
    hub.lost(id, now, effects);
    settle();
  }

  // Time passes, stopping at every deadline.
  void pass(Duration time) {
    const TimePoint end = now + time;
    while (hub.next_deadline() && *hub.next_deadline() <= end) {
      now = std::max(now, *hub.next_deadline());
      hub.advance(now, effects);
      settle();
    }
    now = end;
    hub.advance(now, effects);
    settle();
  }

  std::optional<CloseReason> why_closed(ConnectionId id) const {
    const auto found = closed.find(id);
    if (found == closed.end()) return std::nullopt;
    return found->second;
  }

  void settle() {
    for (const auto& [id, reason] : effects.closed) {
      EXPECT_TRUE(closed.emplace(id, reason).second) << "closed twice";
      EXPECT_FALSE(hub.has_output(id));
    }
    for (const ConnectionId id : effects.writable) woken.push_back(id);
    for (const auto& [id, is_paused] : effects.pauses) paused[id] = is_paused;
    effects.clear();
  }

  test::SeededRng rng;
  TimePoint now{1000s};
  std::set<NodePublicKey> banned;
  int asked = 0;
  std::uint16_t next_port = 1000;
  derp::RelayPrivateKey relay;
  DerpHub::Effects effects;
  std::map<ConnectionId, CloseReason> closed;
  std::map<ConnectionId, bool> paused;
  std::vector<ConnectionId> woken;
  DerpHub hub;
};

inline derp::MeshKey mesh_key() { return *derp::MeshKey::parse(std::string(64, 'c')); }
inline derp::ClientInfo mesh_peer() {
  derp::ClientInfo info;
  info.mesh_key = mesh_key();
  return info;
}

}  // namespace aya::relay_server
