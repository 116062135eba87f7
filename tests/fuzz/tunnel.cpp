// Two WireGuard tunnels with the input between them: it decides who sends, which datagrams pass,
// come twice or come changed, and says things of its own. What comes out was sent, and once.
#include <set>

#include "proto/base/check.h"
#include "tests/support/tunnel_pair.h"

namespace {

using namespace aya;
using test::TunnelPair;

class Wire {
 public:
  Wire() {
    net_.on_wire = [this](const TunnelPair::End& from, Bytes datagram) {
      seen_.push_back({&net_.other(from), Buffer(datagram.begin(), datagram.end())});
      return true;
    };
  }

  void step(unsigned what, unsigned at, unsigned by) {
    TunnelPair::End& end = (what & 0x80) != 0 ? net_.a : net_.b;
    switch (what % 4) {
      case 0:
        net_.send(end, ++sent_);
        break;
      case 1:
        net_.link.dead = (at & 1) != 0;
        net_.advance(std::chrono::milliseconds(by * by));
        break;
      default:
        replay(what % 4 == 3, at, static_cast<std::byte>(by));
    }
  }
  void say(Bytes datagram) { net_.inject(net_.b, datagram, TunnelPair::address(9)); }

  void check() const {
    for (const auto* end : {&net_.a, &net_.b}) {
      const std::set<std::uint32_t> once(end->received.begin(), end->received.end());
      AYA_CHECK(once.size() == end->received.size());
      AYA_CHECK(once.empty() || (*once.begin() >= 1 && *once.rbegin() <= sent_));
    }
  }

 private:
  struct Seen {
    TunnelPair::End* to;
    Buffer datagram;
  };
  // One of the latest datagrams again, one byte of it changed.
  void replay(bool early_byte, unsigned at, std::byte by) {
    if (seen_.empty()) return;
    Seen again = seen_[seen_.size() - 1 - at % std::min<std::size_t>(seen_.size(), 8)];
    const std::size_t reach = early_byte ? 16 : again.datagram.size();
    again.datagram[(at / 8 * 5) % reach] ^= by;
    net_.inject(*again.to, again.datagram, TunnelPair::address(1));
  }

  std::vector<Seen> seen_;
  TunnelPair net_{{.delay = Duration{0}}};
  std::uint32_t sent_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Wire wire;
  Bytes input = std::as_bytes(std::span(data, std::min<std::size_t>(size, 512)));
  wire.say(input);
  for (; input.size() >= 3; input = input.subspan(3)) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(input[i]); };
    wire.step(byte(0), byte(1), byte(2));
    wire.check();
  }
  return 0;
}
