// A map stream, one message a line: whatever the server says, the fold's own account of what
// changed is the difference between before and after. An empty line opens the poll anew.
#include "daemon/netmap/fold.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/control/json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya::netmap;
  std::string_view rest = aya::as_text(std::as_bytes(std::span(data, size)));
  State state;
  aya::WallTime now(std::chrono::seconds(1767225600));
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) {
      state.begin_poll();
      continue;
    }
    auto message = aya::control::decode<aya::control::MapResponse>(line);
    if (!message) continue;
    const Netmap before = state.netmap;
    const FoldResult folded = fold(state, *std::move(message), now += std::chrono::seconds(1));
    AYA_CHECK(folded.delta == difference(before, state.netmap));
    if (folded.outcome != Outcome::Folded) AYA_CHECK(state.netmap == before);
    for (const auto& [id, peer] : state.netmap.peers) {
      AYA_CHECK(peer.id == id && id != state.netmap.self.id);
    }
    (void)state.netmap.filter_rules();
    (void)state.netmap.messages();
    (void)state.netmap.magic_dns_suffix();
  }
  return 0;
}
