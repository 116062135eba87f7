// The metrics page of the server (interfaces 8.2): names begin with "ayatori_coord_", and no label
// is a device, a user or an address. Pure.
#pragma once

#include <string>

#include "coord-server/api/request_tally.h"
#include "coord-server/mail/outbox.h"
#include "coord-server/mapper/map_streams.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/policy/policy.h"
#include "coord-server/serve/flow_reports.h"
#include "coord-server/serve/registrations.h"

namespace aya::serve {

// What only the program around the coordinator knows.
struct OutsideFigures {
  std::uint64_t relay_clients = 0;
  std::uint64_t relay_bytes_in = 0, relay_bytes_out = 0;
  std::uint64_t relay_packets_dropped = 0;
};

struct ServerFigures {
  const nodes::Registry& registry;
  const mapper::MapStreams& streams;
  const policy::Policy& policy;
  const api::RequestTally& requests;
  const Registrations& registrations;
  const FlowReports& flow_reports;
  const Histogram& address_edits;  // from the edit to every node that is online and reads
  std::uint64_t feeds = 0;         // open notices of change
  const mail::Outbox& outbox;
  store::StoreFigures store;
  OutsideFigures outside;
  std::string version;
};

std::string metrics_page(const ServerFigures& figures, WallTime now);

}  // namespace aya::serve
