// The command line of `ayatorid`: flags as tailscaled spells them (interfaces 3.11). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "daemon/os/marks.h"
#include "proto/base/result.h"

namespace aya::app {

struct Options {
  std::string tun = "ayatori0";
  std::string state_dir = "/var/lib/ayatori";
  std::string state;  // file; empty: state_dir/ayatorid.state
  std::string socket = "/run/ayatori/ayatorid.sock";
  std::string config;      // file that decides the settings; empty: people do
  std::uint16_t port = 0;  // UDP; 0: the usual one, or any if that is taken
  int verbose = 0;
  os::BypassMark mark;          // of the daemon's own packets
  bool port_mapping = true;     // ask the router to open the UDP port
  std::string plain_interface;  // `ayatorid wg IFNAME`: plain WireGuard, nothing else
  bool cleanup = false;         // undo what a killed daemon left on this host, and end
  bool disarm = false;          // and the kill switch, which outlives the daemon on purpose

  std::string state_path() const;
  // Stands while the kill switch is armed: what the command line says when there is no daemon.
  std::string kill_switch_note() const { return socket + ".kill-switch"; }
  std::string sysctl_record() const;  // kernel settings as they were before ours
};

// What the command line asks for instead of running.
struct ShowText {
  std::string text;
  int exit_code = 0;
};

// An error in the command line is a ShowText with exit code 2 and one line that says what to do.
Result<Options, ShowText> parse_options(std::span<const std::string> arguments);

}  // namespace aya::app
