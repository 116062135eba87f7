// An upload as an object in a bucket, at Amazon or at somebody who speaks like it. Private to the
// room. Pure.
#pragma once

#include "coord-server/delivery/message.h"
#include "coord-server/log_streams/destinations.h"
#include "coord-server/log_streams/log_line.h"

namespace aya::log_streams {

// Makes a message with a finished body one that puts it there, signed with the access key. `coding`:
// how the body was made smaller, if it was; `first`: of its lines.
void become_object(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    const LogLine& first, const std::string& coding, WallTime now, delivery::Message& message);

}  // namespace aya::log_streams
