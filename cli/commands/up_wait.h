// The second half of `up`: following the daemon's notifications until the node runs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/qr_text.h"
#include "proto/local/notify.h"

namespace aya::cli {

enum class UpOutput {
  Text,
  Json,    // an object where a person has to log in, and one at the end, as scripts expect
  Events,  // a line for every step, see print_step()
};

// {"Step":"login","AuthURL":"https://..."}: what the node is at, one line on stdout.
//
//   server     reaches "Server"                  approval   waits for an administrator
//   login      waits for a person at "AuthURL"   network    sets up the tunnel
//   logged-in  is known to the server            running    is up, as "Name" with "Addresses"
void print_step(
    Context& context, std::string_view step,
    const std::vector<std::pair<std::string, std::string>>& fields = {});

struct UpWish {
  std::string server;  // for the step that reaches it
  bool login = false;
  bool wait = true;  // false: return once it is a person's turn
  UpOutput output = UpOutput::Text;
  std::optional<QrFormat> qr;  // also show the address of the login so
  std::optional<TimePoint> deadline;
};

// Returns as soon as the daemon says that it runs. TimedOut names the step it was at.
Outcome wait_until_up(Context& context, LineStream& bus, const UpWish& wish);

}  // namespace aya::cli
