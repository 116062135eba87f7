#include "cli/console.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <thread>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "proto/base/scope_exit.h"

namespace aya::cli {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a closed pipe: nobody wants to know
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_all(std::FILE* file) {
  std::string text;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file))
    text.append(buffer, got);
  return text;
}

std::optional<IpAddress> address_of(const sockaddr* at) {
  if (at == nullptr) return std::nullopt;
  if (at->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, at, sizeof in);
    return IpAddress::v4(ntohl(in.sin_addr.s_addr));
  }
  if (at->sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, at, sizeof in);
    std::array<std::byte, 16> raw;
    std::memcpy(raw.data(), &in.sin6_addr, raw.size());
    return IpAddress::v6(raw);
  }
  return std::nullopt;
}

}  // namespace

void SystemConsole::out(std::string_view text) { write_all(STDOUT_FILENO, text); }
void SystemConsole::err(std::string_view text) { write_all(STDERR_FILENO, text); }
bool SystemConsole::out_is_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }

std::optional<std::string> SystemConsole::env(const char* name) const {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::string SystemConsole::read_stdin() { return read_all(stdin); }

std::optional<std::string> SystemConsole::read_line() {
  std::string line;
  for (int c = std::fgetc(stdin); c != EOF; c = std::fgetc(stdin)) {
    if (c == '\n') return line;
    line += static_cast<char>(c);
  }
  return line.empty() ? std::nullopt : std::optional(line);
}

Result<std::string, FileError> SystemConsole::read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return FileError{"open " + path + ": " + std::strerror(errno)};
  const ScopeExit close([file] { std::fclose(file); });
  return read_all(file);
}

bool SystemConsole::machine_has_address(const IpAddress& address) const {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  const ScopeExit free_list([list] { ::freeifaddrs(list); });
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (address_of(at->ifa_addr) == address) return true;
  }
  return false;
}

TimePoint SystemConsole::now() const { return std::chrono::steady_clock::now(); }
WallTime SystemConsole::wall_now() const { return std::chrono::system_clock::now(); }
void SystemConsole::sleep_until(TimePoint when) { std::this_thread::sleep_until(when); }

}  // namespace aya::cli
