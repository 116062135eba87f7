#include "coord-server/serve/carrier_health.h"

namespace aya::serve {

void CarrierHealth::advance(TimePoint now, mapper::MapStreams::Effects& out) {
  if (ask_at_ && *ask_at_ > now) return;
  ask_at_ = now + kEvery;
  http::Request echo;
  echo.method = "POST";
  echo.target = "/echo";
  echo.headers.add("Host", "c2n");
  append(echo.body, as_bytes("alive?"));
  std::map<store::NodeId, Carrier> seen;
  for (const auto& [account, record] : registry_.accounts()) {
    for (const store::NodeId id : registry_.nodes_of(account)) {
      if (registry_.find(id)->routes.empty() || presence_.streams(id) == 0) continue;
      Carrier& carrier = seen[id] = carriers_[id];
      if (!carrier.asked) carrier.asked = calls_.ask(id, echo, kPatience, now, out);
    }
  }
  carriers_ = std::move(seen);  // without those that left or carry nothing any more
}

void CarrierHealth::note(const NodeCalls::Answer& answer, TimePoint now, WallTime wall) {
  const auto found = carriers_.find(answer.node);
  if (found == carriers_.end() || found->second.asked != answer.call) return;
  Carrier& carrier = found->second;
  carrier.asked.reset();
  if (!answer.response) {
    if (carrier.has_answered) presence_.stalled(answer.node, now);
    return;
  }
  carrier.has_answered = true;
  if (!presence_.answered(answer.node)) return;
  registry_.set_present(answer.node, true);
  registry_.set_online(answer.node, true, wall);
}

}  // namespace aya::serve
