// Where logs can be sent: which destinations there are, and what each has to be told (interfaces
// 1.11). Pure.
#pragma once

#include <string>
#include <string_view>

#include "coord-server/store/log_streams.h"

namespace aya::log_streams {

using store::LogDestination;

inline constexpr std::string_view kConfiguration = "configuration";
inline constexpr std::string_view kNetwork = "network";
bool is_log(std::string_view name);

// Which field cannot be so, and why; empty: it can.
std::string fault_in(const LogDestination& to);

// Why nothing can be sent there from here, of what is well-formed; empty: it can. Such a place may
// be kept for a log that has nothing to send.
std::string undeliverable(const LogDestination& to);

// Of one event: some receivers take a megabyte and no more.
std::size_t longest_event(const LogDestination& to);

// Between two uploads.
std::chrono::minutes upload_period(const LogDestination& to);

}  // namespace aya::log_streams
