// What a relay may say to a session of ours: any bytes, in two pieces, before or after a real
// greeting. Packets come out only of a session that is ready, and a failed one writes nothing.
#include "daemon/relay/derp_session.h"
#include "proto/base/check.h"
#include "tests/support/seeded_rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const aya::Bytes input = std::as_bytes(std::span(data + 2, size - 2));
  const bool greeted = data[0] & 1;
  const aya::Bytes head = input.first(std::min<std::size_t>(data[1], input.size()));

  aya::test::SeededRng rng;
  aya::PacketPool pool;
  const auto self = aya::NodePrivateKey::generate(rng);
  const auto relay = aya::derp::RelayPrivateKey::generate(rng);
  aya::TimePoint now{};
  aya::relay::DerpSession session(self, {}, rng, pool, now);
  aya::relay::DerpSession::Effects out;
  aya::Buffer stream;
  if (greeted) {
    aya::derp::write_server_key(relay.public_key(), stream);
    AYA_CHECK(aya::derp::write_server_info(relay, self.public_key(), {}, {}, stream));
    session.receive(stream, now, out);
    AYA_CHECK(session.is_ready());
  }
  session.probe(now);
  session.receive(head, now, out);
  session.send(self.public_key(), pool.copy_of(aya::as_bytes("x")), now);
  session.receive(input.subspan(head.size()), now, out);
  AYA_CHECK(greeted || session.is_ready() || (out.packets.empty() && out.gone.empty()));
  stream.clear();
  AYA_CHECK(session.write(stream.max_size() / 4, stream, now) == stream.size());
  AYA_CHECK(stream.empty() || !session.has_failed());
  session.advance(now + std::chrono::hours(1), out);
  AYA_CHECK(session.has_failed());
  return 0;
}
