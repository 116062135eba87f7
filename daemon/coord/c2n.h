// Requests from the coordination server to the node, wrapped in a PingRequest (control 4.5).
#pragma once

#include "proto/base/bytes.h"

namespace aya::coord {

// `payload`: an HTTP/1.x request. Returns the whole HTTP/1.1 response to post back. Known: /echo.
Buffer answer_c2n(Bytes payload);

}  // namespace aya::coord
