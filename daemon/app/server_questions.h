// What the coordination server may ask this node about itself (control 4.5), for its administrators:
// settings, the map, complaints, counters; and which machine this is, if the person here allows it.
// Nothing here changes anything. Pure, but for looking at the machine.
#pragma once

#include "daemon/localapi/local_host.h"
#include "proto/http/message.h"

namespace aya::app {

http::Response answer_server(const http::Request& question, const localapi::LocalHost& host);

}  // namespace aya::app
