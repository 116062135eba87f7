// Calls on the system bus, by `busctl`: it comes with every systemd. No call waits for longer than
// a second, and none asks a person for a password (pitfall 15).
//
// The values are in busctl's words: a signature, then one word per value, arrays led by their
// length.
#pragma once

#include <string>
#include <vector>

#include "daemon/os/child.h"
#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::host_dns {

struct BusCall {
  std::string service, path, interface, method;
  std::vector<std::string> values;
  bool may_start_service = false;

  friend bool operator==(const BusCall&, const BusCall&) = default;
};

bool bus_is_there();
// The answer in busctl's words: `s "1.42.4"`.
Result<std::string, os::OsError> call(const BusCall& call);
// A property of type string; empty where there is none.
std::string text_property(
    const std::string& service, const std::string& path, const std::string& interface,
    const std::string& property);

// ---- pure

std::vector<std::string> busctl_arguments(const BusCall& call);
// `s "text"` -> text; of anything else the words after the signature.
std::string value_of(std::string_view answer);

}  // namespace aya::host_dns
