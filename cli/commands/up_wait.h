// The second half of `up`: following the daemon's notifications until the node runs.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/qr_text.h"
#include "proto/local/notify.h"

namespace aya::cli {

struct UpWish {
  std::string server;  // for the step that reaches it
  bool login = false;
  bool wait = true;  // false: return once it is a person's turn
  bool json = false;
  std::optional<QrFormat> qr;  // also show the address of the login so
  std::optional<TimePoint> deadline;
};

// Returns as soon as the daemon says that it runs. TimedOut names the step it was at.
Outcome wait_until_up(Context& context, LineStream& bus, const UpWish& wish);

}  // namespace aya::cli
