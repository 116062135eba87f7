// What a node tells of its traffic, as rows to be kept; or why it cannot be so. Pure.
#pragma once

#include <string>
#include <string_view>

#include "coord-server/store/flow_logs.h"
#include "proto/control/flow_report.h"

namespace aya::flow_logs {

// A report is as long as a request on that connection may be; what a node of ours tells stays far
// below these.
inline constexpr std::size_t kMostWindows = 2'000;      // in a report
inline constexpr std::size_t kMostRows = 12'000;        // of traffic in it
inline constexpr std::size_t kLongestWindow = 880'000;  // bytes of its text: receivers take a MB
inline constexpr auto kLongestTime = std::chrono::minutes(5);  // of a window
// A node holds what the server could not be told for a while; and its clock may be a bit off.
inline constexpr auto kOldestWindow = std::chrono::hours(24 * 7);
inline constexpr auto kClockSkew = std::chrono::minutes(10);

// The error is one line for whoever wrote the node.
Result<control::FlowReport, std::string> read_report(std::string_view json);
// Of a report of the node with that id.
Result<store::FlowBatch, std::string> rows_of(
    const control::FlowReport& report, store::NodeId node, const std::string& stable_id,
    WallTime now);

}  // namespace aya::flow_logs
