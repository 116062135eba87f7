// What a user may write to the socket of a WireGuard interface: it is applied or refused, and what
// the interface then says of itself, written back to an empty one, makes the same interface.
#include <cerrno>

#include "daemon/plain/plain_device.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "tests/support/seeded_rng.h"

namespace {

using namespace aya;

struct Nowhere final : plain::PlainDevice::Ports {
  void to_host(std::span<const Packet>) override {}
  void to_udp(std::span<const plain::UdpOut>) override {}
};

class Interface {
 public:
  // What it says after `edit`, without what cannot be set.
  std::string after(const plain::DeviceEdit& edit) {
    device_.apply(edit, TimePoint{});
    const std::string text = plain::print(device_.view());
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at) + 1;
      const std::string_view line(text.data() + at, end - at);
      const bool is_figure = line.starts_with("last_handshake_time") ||
                             line.starts_with("tx_bytes") || line.starts_with("rx_bytes");
      if (!is_figure) out += line;
      at = end;
    }
    return out;
  }

 private:
  test::SeededRng rng_;
  PacketPool pool_;
  Nowhere ports_;
  plain::PlainDevice device_{rng_, pool_, {.wall_clock = [] { return WallTime{}; }}, ports_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view request = as_text(std::as_bytes(std::span(data, size)));
  (void)plain::operation_of(request);
  const auto edit = plain::parse_set(request);
  if (!edit) {
    AYA_CHECK(edit.error() == EINVAL || edit.error() == EPROTO);
    return 0;
  }
  const std::string text = Interface().after(*edit);
  const auto again = plain::parse_set("set=1\n" + text);
  AYA_CHECK(again.has_value());
  AYA_CHECK(Interface().after(*again) == text);
  return 0;
}
