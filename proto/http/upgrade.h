// Protocol upgrades (RFC 9110, section 7.8), as the control protocol and DERP begin: a request with
// "Upgrade: <protocol>", an answer with status 101, and from there on the connection's bytes belong
// to the new protocol. Protocol names are compared without regard to case.
#pragma once

#include <string_view>

#include "proto/http/message.h"

namespace aya::http {

Request upgrade_request(
    std::string_view method, std::string_view target, std::string_view host,
    std::string_view protocol);

// What a request asks to become; empty unless both Upgrade and "Connection: upgrade" are there.
std::string_view requested_upgrade(const Request& request);

// Status 101 to be written with write_response().
Response switching_to(std::string_view protocol);
bool switched_to(const Response& response, std::string_view protocol);

}  // namespace aya::http
