#include "daemon/host_dns/bus.h"

#include <unistd.h>

namespace aya::host_dns {
namespace {

constexpr const char* kBusSocket = "/run/dbus/system_bus_socket";
// Above busctl's own, so that it can say what happened.
constexpr Duration kLimit = 1500ms;

Result<std::string, os::OsError> run_busctl(std::vector<std::string> words) {
  const auto program = os::find_program("busctl");
  if (!program) return os::OsError{0, "busctl is not installed", {}};
  std::vector<std::string> arguments{
      "--system", "--timeout=1", "--allow-interactive-authorization=no"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  const auto done = os::run_child({*program, std::move(arguments), {}, kLimit});
  if (!done) return done.error();
  if (!done->succeeded()) return os::OsError{0, done->complaint(), {}};
  return done->out;
}

}  // namespace

bool bus_is_there() { return ::access(kBusSocket, W_OK) == 0; }

Result<std::string, os::OsError> call(const BusCall& call) {
  auto answer = run_busctl(busctl_arguments(call));
  if (!answer) {
    return os::OsError{0, call.service + " " + call.method + ": " + answer.error().message(), {}};
  }
  return answer;
}

std::string text_property(
    const std::string& service, const std::string& path, const std::string& interface,
    const std::string& property) {
  const auto answer =
      run_busctl({"--auto-start=no", "get-property", service, path, interface, property});
  return answer ? value_of(*answer) : "";
}

std::vector<std::string> busctl_arguments(const BusCall& call) {
  std::vector<std::string> out;
  if (!call.may_start_service) out.push_back("--auto-start=no");
  // A value may look like an option: "-1".
  out.insert(out.end(), {"--", "call", call.service, call.path, call.interface, call.method});
  out.insert(out.end(), call.values.begin(), call.values.end());
  return out;
}

std::string value_of(std::string_view answer) {
  const std::size_t blank = answer.find(' ');
  if (blank == std::string_view::npos) return "";
  const bool is_text = answer.substr(0, blank) == "s";
  answer.remove_prefix(blank + 1);
  while (answer.ends_with('\n')) answer.remove_suffix(1);
  if (is_text && answer.size() >= 2 && answer.starts_with('"') && answer.ends_with('"')) {
    answer = answer.substr(1, answer.size() - 2);
  }
  return std::string(answer);
}

}  // namespace aya::host_dns
