// The member lists of flow logs (flow_report.h). Windows have the names that the REST API shows
// (interfaces 1.11), so that a window is kept and shown as it was told. Private to this room.
#pragma once

#include "proto/control/flow_report.h"
#include "proto/control/json_fields.h"

namespace aya::control {

template <class Io>
void fields(Io& io, Of<FlowTraffic> auto& t) {
  io.omit("proto", t.protocol);
  io.omit("src", t.source);
  io.omit("dst", t.destination);
  io.omit("txPkts", t.count.sent_packets);
  io.omit("txBytes", t.count.sent_bytes);
  io.omit("rxPkts", t.count.received_packets);
  io.omit("rxBytes", t.count.received_bytes);
}

template <class Io>
void fields(Io& io, Of<FlowWindow> auto& w) {
  io.always("start", w.start);
  io.always("end", w.end);
  io.omit("virtualTraffic", w.mesh);
  io.omit("subnetTraffic", w.subnet);
  io.omit("exitTraffic", w.internet);
  io.omit("physicalTraffic", w.outer);
}

template <class Io>
void fields(Io& io, Of<FlowReport> auto& r) {
  io.always("NodeKey", r.node_key);
  io.always("Run", r.run);
  io.always("First", r.first);
  io.always("Windows", r.windows);
}

}  // namespace aya::control
