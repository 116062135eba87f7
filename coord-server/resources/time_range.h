// The times between which a log is asked for: "?start=…&end=…", both required (interfaces 1.11).
// Pure.
#pragma once

#include "coord-server/api/api_error.h"
#include "proto/base/time.h"

namespace aya::resources {

struct TimeRange {
  WallTime start, end;
};
api::Answer<TimeRange> time_range(const http::Request& request);

}  // namespace aya::resources
