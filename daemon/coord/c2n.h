// Requests from the coordination server to the node, wrapped in a PingRequest (control 4.5).
#pragma once

#include <optional>

#include "proto/base/bytes.h"
#include "proto/http/message.h"

namespace aya::coord {

// `payload`: an HTTP/1.x request. Returns the whole HTTP/1.1 response to post back. Known here are
// /echo and /update.
Buffer answer_c2n(Bytes payload);
// The request, if it is about what only the daemon around this knows.
std::optional<http::Request> question_for_daemon(Bytes payload);

}  // namespace aya::coord
