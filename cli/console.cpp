#include "cli/console.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "proto/base/scope_exit.h"

namespace aya::cli {
namespace {

// Sentences begin small here, as scripts know them from the stock program.
std::string system_text(int error) {
  std::string text = std::strerror(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;  // a closed pipe: nobody wants to know
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string read_all(std::FILE* file) {
  std::string text;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file))
    text.append(buffer, got);
  return text;
}

Result<void, FileError> write_new(const std::string& path, std::string_view text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return FileError{"open " + path + ": " + system_text(errno)};
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  const bool whole = text.empty();
  const int error = errno;
  if (::close(fd) == 0 && whole) return {};
  ::unlink(path.c_str());
  return FileError{"write " + path + ": " + system_text(whole ? errno : error)};
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

bool SystemConsole::out(std::string_view text) { return write_all(STDOUT_FILENO, text); }
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
  if (file == nullptr) return FileError{"open " + path + ": " + system_text(errno)};
  const ScopeExit close([file] { std::fclose(file); });
  return read_all(file);
}

Result<void, FileError> SystemConsole::replace_file(
    const std::string& path, std::string_view text) {
  const std::string next = path + ".new-" + std::to_string(::getpid());
  constexpr mode_t kReadableByAll = 0644;
  if (auto made = write_new(next, text, kReadableByAll); !made) return made;
  if (std::rename(next.c_str(), path.c_str()) == 0) return {};
  const FileError error{"rename " + next + " " + path + ": " + system_text(errno)};
  ::unlink(next.c_str());
  return error;
}

Result<void, FileError> SystemConsole::make_file(const std::string& path, std::string_view text) {
  return write_new(path, text, 0600);
}

// Never waits in one direction: a program that answers while it is being sent to would wait for us.
Result<void, FileError> SystemConsole::join(int socket) {
  std::array<char, 64 * 1024> buffer;
  std::string unsent;
  bool more_input = true;
  while (true) {
    const bool reads_input = more_input && unsent.empty();
    std::array<pollfd, 2> ends{
        {{reads_input ? STDIN_FILENO : -1, POLLIN, 0},
         {socket, static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) {
      return FileError{"poll: " + system_text(errno)};
    }
    if ((ends[1].revents & ~POLLOUT) != 0) {
      const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got == 0) return {};
      if (got < 0 && errno != EINTR && errno != EAGAIN) {
        return FileError{"connection lost: " + system_text(errno)};
      }
      const std::string_view text(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
      if (!write_all(STDOUT_FILENO, text)) return {};
    }
    if ((ends[1].revents & POLLOUT) != 0) {
      const ssize_t sent =
          ::send(socket, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) unsent.erase(0, static_cast<std::size_t>(sent));
      // Nobody takes it any more; the reading side learns why.
      if (sent < 0 && errno != EINTR && errno != EAGAIN) unsent.clear();
    }
    if (ends[0].revents != 0) {
      const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got > 0) unsent.assign(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) more_input = false;
    }
  }
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
