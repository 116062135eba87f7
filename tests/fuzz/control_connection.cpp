// Bytes of a stranger on the control connection, from its handshake to the first of HTTP/2. What
// the other end did not seal does not open; what it did opens in pieces of any size, up to the
// first byte that was changed.
#include <algorithm>

#include "proto/base/check.h"
#include "proto/control/early_payload.h"
#include "proto/control/noise_frame.h"
#include "proto/noise/control_handshake.h"
#include "tests/support/seeded_rng.h"

namespace {

using namespace aya;
using control::RecordOpener;

void shake_hands(Bytes input) {
  test::SeededRng rng;
  const auto server = MachinePrivateKey::generate(rng);
  noise::ControlClient client(MachinePrivateKey::generate(rng), server.public_key(), 116, rng);
  // A forged message fails; a whole one of our own, with the input in its place, does as well.
  Buffer initiation(client.initiation().begin(), client.initiation().end());
  const std::size_t changed = std::min(initiation.size(), input.size());
  std::ranges::copy(input.first(changed), initiation.begin());
  const auto answer = noise::answer_initiation(server, initiation, rng);
  AYA_CHECK(answer.has_value() == equal_bytes(initiation, client.initiation()));
  const auto refusal = noise::answer_initiation(server, input, rng);
  AYA_CHECK(!refusal || equal_bytes(input, client.initiation()));
  AYA_CHECK(
      !std::holds_alternative<noise::ControlClient::Established>(client.read_response(input)));
}

struct Opened {
  Buffer plain;
  bool failed = false;
  friend bool operator==(const Opened&, const Opened&) = default;
};

Opened open(const crypto::Key32& key, Bytes first, Bytes second) {
  RecordOpener opener(key);
  Opened out;
  for (const Bytes piece : {first, second}) {
    const bool had_failed = out.failed;
    out.failed = !opener.feed(piece, out.plain);
    AYA_CHECK(out.failed || !had_failed);
  }
  return out;
}

// Seals the input and opens it with the byte at `at` changed by `by`.
void exchange_records(Bytes input, std::size_t at, std::byte by) {
  const crypto::Key32 key;
  control::RecordSealer sealer(key);
  Buffer wire;
  const std::size_t half = input.size() / 2;
  AYA_CHECK(sealer.seal(input.first(half), wire) && sealer.seal(input.subspan(half), wire));
  if (wire.empty()) return;
  at %= wire.size();
  wire[at] ^= by;
  const Opened whole = open(key, wire, {});
  AYA_CHECK(whole == open(key, Bytes(wire).first(at), Bytes(wire).subspan(at)));
  AYA_CHECK(equal_bytes(whole.plain, input.first(std::min(whole.plain.size(), input.size()))));
  AYA_CHECK((whole.plain.size() == input.size() && !whole.failed) == (by == std::byte{}));
  AYA_CHECK(open(key, input, {}).plain.empty());
}

void split_early_payload(Bytes input, std::size_t at) {
  const auto split = [](Bytes first, Bytes second) {
    control::EarlyPayloadSplitter splitter;
    Buffer http2;
    const bool good = splitter.feed(first, http2) && splitter.feed(second, http2);
    return std::tuple(good, splitter.done(), splitter.payload(), http2);
  };
  AYA_CHECK(split(input, {}) == split(input.first(at), input.subspan(at)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Bytes input = std::as_bytes(std::span(data + 3, size - 3));
  const std::size_t at = std::size_t{data[0]} << 8 | data[1];
  exchange_records(input, at, std::byte{data[2]});
  split_early_payload(input, input.empty() ? 0 : at % input.size());
  shake_hands(input);
  return 0;
}
