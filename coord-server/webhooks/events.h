// What happened in a network, as it is told to other programs: read from the audit log, which has
// every change of every kind, and from the calendar.
#pragma once

#include <vector>

#include "coord-server/nodes/registry.h"
#include "coord-server/store/audit.h"
#include "coord-server/store/webhooks.h"

namespace aya::webhooks {

struct Event {
  std::string type;  // "nodeCreated"
  WallTime time{};
  std::string message;  // for people
  std::string data;     // JSON object, its members by type
  // How far its source is told when this is.
  std::int64_t line = 0;           // of the audit log; 0: it is from the calendar
  std::optional<WallTime> moment;  // of the calendar
};

// None where nobody is told of such a line.
std::vector<Event> events_of(const store::AuditLine& line, const nodes::Registry& registry);

// What was due after `since` and is until `now`: keys that end, and those that will in a day.
std::vector<Event> calendar_events(
    const nodes::Registry& registry, store::AccountId account, WallTime since, WallTime now);

// For somebody who tries out whether messages arrive.
Event test_event(WallTime now);

}  // namespace aya::webhooks
