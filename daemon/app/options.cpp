#include "daemon/app/options.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/base/parse_number.h"
#include "proto/base/version.h"

namespace aya::app {
namespace {

constexpr std::string_view kHelp =
    R"(ayatorid: the daemon of a node

  ayatorid [FLAGS]             join the mesh; steer it with `ayatori up`
  ayatorid [FLAGS] wg IFNAME   plain WireGuard interface, steered by `wg` and `wg-quick`

  --tun NAME        name of the network interface (ayatori0)
  --statedir DIR    folder of everything the node must remember (/var/lib/ayatori)
  --state FILE      the state file itself (DIR/ayatorid.state)
  --socket PATH     socket for `ayatori` (/run/ayatori/ayatorid.sock)
  --config FILE     settings from a file, read again at SIGHUP and `reload-config`
  --port N          UDP port for peers; 0 takes 41641, or any if that is taken (0)
  --fwmark M/MASK   mark of the daemon's own packets, where others use these bits (0x80000/0xff0000)
  --no-portmap      do not ask the router to open a port (likewise TS_DISABLE_PORTMAPPER=1)
  --cleanup         undo what a killed daemon left: routes, firewall, resolver, settings; then end
  --disarm          with --cleanup: also lift the kill switch (--exit-node-fail-closed)
  --verbose N       0: what matters, 1 and above: everything (0)
  --version         print the version
)";

ShowText usage(std::string problem) {
  return {"ayatorid: " + std::move(problem) + "; see ayatorid --help\n", 2};
}

template <class Int>
bool take_number(std::string_view text, Int& into) {
  const auto number = parse_number<Int>(text);
  if (number) into = *number;
  return number.has_value();
}

using Taker = std::function<std::optional<std::string>(Options&, const std::string&)>;

// A flag without value.
struct Switch {
  std::string_view name;
  bool Options::*field;
  bool means;
};
constexpr std::array kSwitches = {
    Switch{"no-portmap", &Options::port_mapping, false},
    Switch{"cleanup", &Options::cleanup, true},
    Switch{"disarm", &Options::disarm, true},
};

struct Flag {
  std::string_view name;
  Taker take;  // the refusal, if the value is not good
};

std::optional<std::string> take_text(std::string& into, const std::string& value) {
  into = value;
  return std::nullopt;
}

const std::vector<Flag>& flags() {
  static const std::vector<Flag> kFlags = {
      {"tun",
       [](Options& o, const std::string& v) -> std::optional<std::string> {
         if (v == "userspace-networking") {
           return "--tun=userspace-networking is not supported yet; give an interface name such as "
                  "ayatori0";
         }
         if (v.empty() || v.size() > 15) return "--tun takes a name of 1 to 15 bytes";
         return take_text(o.tun, v);
       }},
      {"statedir", [](Options& o, const std::string& v) { return take_text(o.state_dir, v); }},
      {"state", [](Options& o, const std::string& v) { return take_text(o.state, v); }},
      {"socket", [](Options& o, const std::string& v) { return take_text(o.socket, v); }},
      {"config", [](Options& o, const std::string& v) { return take_text(o.config, v); }},
      {"port",
       [](Options& o, const std::string& v) -> std::optional<std::string> {
         if (take_number(v, o.port)) return std::nullopt;
         return "--port takes a number from 0 to 65535, not \"" + v + "\"";
       }},
      {"fwmark",
       [](Options& o, const std::string& v) -> std::optional<std::string> {
         const auto mark = os::BypassMark::parse(v);
         if (!mark) {
           return "--fwmark takes a value and a mask that holds it and one more bit, such as "
                  "0x80000/0xff0000, not \"" +
                  v + "\"";
         }
         o.mark = *mark;
         return std::nullopt;
       }},
      {"verbose",
       [](Options& o, const std::string& v) -> std::optional<std::string> {
         if (take_number(v, o.verbose) && o.verbose >= 0) return std::nullopt;
         return "--verbose takes a number, not \"" + v + "\"";
       }},
  };
  return kFlags;
}

}  // namespace

std::string Options::state_path() const {
  return state.empty() ? state_dir + "/ayatorid.state" : state;
}

std::string Options::sysctl_record() const { return state_dir + "/sysctl.before"; }

Result<Options, ShowText> parse_options(std::span<const std::string> arguments) {
  Options out;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    if (!word.starts_with("-") || word == "-") {
      words.push_back(arguments[i]);
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (name == "help" || name == "h") return ShowText{std::string(kHelp), 0};
    if (name == "version") {
      return ShowText{"ayatorid " + std::string(kVersion) + "\n", 0};
    }
    // tailscaled's flag against uploads; there are none here, so it changes nothing.
    if (name == "no-logs-no-support") continue;
    if (const auto one = std::ranges::find(kSwitches, name, &Switch::name);
        one != kSwitches.end()) {
      out.*one->field = one->means;
      continue;
    }
    const Flag* flag = nullptr;
    for (const Flag& one : flags()) {
      if (one.name == name) flag = &one;
    }
    if (flag == nullptr) return usage("unknown flag " + arguments[i]);
    std::string value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return usage("--" + std::string(name) + " needs a value");
    }
    if (auto refused = flag->take(out, value)) return ShowText{"ayatorid: " + *refused + "\n", 2};
  }
  if (out.disarm && !out.cleanup) return usage("--disarm goes with --cleanup");
  if (words.empty()) return out;
  if (words.front() != "wg") return usage("unknown word \"" + words.front() + "\"");
  if (words.size() != 2) return usage("wg takes the name of one interface");
  if (words[1].empty() || words[1].size() > 15) return usage("an interface name has 1 to 15 bytes");
  out.plain_interface = words[1];
  return out;
}

}  // namespace aya::app
