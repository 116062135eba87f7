// A line of a log as it is sent, whichever log it is of. Pure.
#pragma once

#include <string>

#include "coord-server/store/audit.h"
#include "coord-server/store/flow_logs.h"

namespace aya::log_streams {

struct LogLine {
  std::int64_t number = 0;  // grows within the log
  WallTime time{};          // when it happened
  std::string id;           // of this line and no other, for receivers that tell repetitions
  std::string event;        // JSON: an object
  std::string summary;      // for people who look at a list
};

// Every entry says its number and its hash in the chain of the log: so whoever receives one twice,
// after a crash at the wrong moment, can tell; and so the chain's hashes are kept elsewhere, too.
// Where it would be longer than `longest` bytes, what was changed is left out.
LogLine line_of(const store::AuditLine& line, std::size_t longest);
// As the REST API shows it, and its number.
LogLine line_of(const store::FlowRow& row);

}  // namespace aya::log_streams
