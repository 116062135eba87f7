// What clients may say to the relay: a stranger, a client and a mesh peer send what the input says,
// in its order. Each stream read back is whole frames, and when all have left nothing is kept.
#include "coord-server/relay_server/derp_hub.h"
#include "proto/base/check.h"
#include "proto/derp/hello.h"
#include "tests/support/seeded_rng.h"

namespace {

struct OpenDoor final : aya::relay_server::DerpHub::Admission {
  bool admits(const aya::NodePublicKey&, const aya::IpAddress&) override { return true; }
};

void check_whole_frames(aya::Bytes stream) {
  using Step = aya::derp::FrameReader::Step;
  aya::derp::FrameReader reader;
  while (reader.step(stream) != Step::NeedMore) {
    AYA_CHECK(reader.header().length <= aya::derp::kMaxClientFrame);
  }
  AYA_CHECK(!reader.inside_payload());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using aya::relay_server::ConnectionId;
  aya::test::SeededRng rng;
  OpenDoor door;
  const auto relay = aya::derp::RelayPrivateKey::generate(rng);
  const auto mesh_key = aya::derp::MeshKey::parse(std::string(64, 'a'));
  aya::relay_server::DerpHub hub(
      relay, {.mesh_key = mesh_key, .receive_rate = aya::TokenRate{1e6, 1e6}}, door, rng);
  aya::relay_server::DerpHub::Effects out;
  aya::TimePoint now{};

  std::vector<ConnectionId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(hub.accept({}, true, now, out));
    if (i == 0) continue;  // the stranger
    aya::derp::ClientInfo info;
    if (i == 2) info.mesh_key = mesh_key;
    aya::Buffer hello;
    // A fixed key, so that inputs can name it.
    const aya::NodePrivateKey self(aya::crypto::Key32(
        std::array<std::byte, 32>{std::byte{8}, std::byte{static_cast<unsigned char>(i)}}));
    AYA_CHECK(aya::derp::write_client_info(self, hub.public_key(), {}, info, hello));
    hub.receive(ids.back(), hello, now, out);
  }
  // One step: whose turn, how long the piece is, the piece.
  aya::Bytes input = std::as_bytes(std::span(data, size));
  while (input.size() > 2) {
    const ConnectionId who = ids[static_cast<std::size_t>(input[0]) % 3];
    const auto length = std::min<std::size_t>(static_cast<std::size_t>(input[1]), input.size() - 2);
    hub.receive(who, input.subspan(2, length), now, out);
    input = input.subspan(2 + length);
    now += std::chrono::milliseconds(1);
    hub.advance(now, out);
  }
  for (const ConnectionId id : ids) {
    aya::Buffer stream;
    AYA_CHECK(hub.write(id, SIZE_MAX / 2, stream, now) == stream.size());
    check_whole_frames(stream);
    hub.lost(id, now, out);
  }
  AYA_CHECK(out.closed.size() == ids.size());
  const auto gauges = hub.gauges();
  AYA_CHECK(gauges.connections == 0 && gauges.keys == 0 && gauges.mesh_peers == 0);
  return 0;
}
