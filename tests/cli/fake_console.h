// A terminal that remembers. Time runs by itself; sleeping takes none of it.
#pragma once

#include <unistd.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "cli/console.h"

namespace aya::test {

class FakeConsole final : public cli::Console {
 public:
  std::string stdout_text, stderr_text, stdin_text;
  std::map<std::string, std::string> environment, files;
  std::set<IpAddress> machine;  // its addresses
  WallTime calendar{};
  bool terminal = false;
  int may_print = 1'000'000;  // so many times; then whoever reads has left

  bool out(std::string_view text) override {
    stdout_text += text;
    return --may_print > 0;
  }
  void err(std::string_view text) override { stderr_text += text; }
  bool out_is_terminal() const override { return terminal; }
  std::optional<std::string> env(const char* name) const override {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  }
  std::string read_stdin() override { return stdin_text; }
  std::optional<std::string> read_line() override {
    if (stdin_text.empty()) return std::nullopt;
    const std::size_t end = std::min(stdin_text.find('\n'), stdin_text.size());
    const std::string line = stdin_text.substr(0, end);
    stdin_text.erase(0, end + 1);
    return line;
  }
  Result<void, cli::FileError> replace_file(
      const std::string& path, std::string_view text) override {
    if (path.starts_with("/nonexistent/")) return cli::FileError{"open " + path + ": no such file"};
    files[path] = text;
    return {};
  }
  Result<void, cli::FileError> make_file(const std::string& path, std::string_view text) override {
    if (files.contains(path)) return cli::FileError{"open " + path + ": file exists"};
    return replace_file(path, text);
  }
  Result<std::string, cli::FileError> read_file(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return cli::FileError{"open " + path + ": no such file or directory"};
    return found->second;
  }
  Result<void, cli::FileError> join(int socket) override {
    (void)!::write(socket, stdin_text.data(), stdin_text.size());
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(socket, buffer, sizeof buffer)) > 0;) {
      stdout_text.append(buffer, static_cast<std::size_t>(got));
    }
    return {};
  }
  bool machine_has_address(const IpAddress& address) const override {
    return machine.contains(address);
  }

  // Answers of other servers, by method and URL; what they were asked is in `asked`.
  std::map<std::string, http::Response> web;
  std::vector<cli::WebRequest> asked;
  Result<http::Response, cli::WebError> ask_web(const cli::WebRequest& request) override {
    asked.push_back(request);
    const auto found = web.find(request.method + ' ' + request.url);
    if (found == web.end()) return cli::WebError{request.url + ": refused"};
    return found->second;
  }

  TimePoint now() const override { return std::chrono::steady_clock::now() + slept_; }
  WallTime wall_now() const override { return calendar; }
  void sleep_until(TimePoint when) override {
    if (when > now()) slept_ += when - now();
  }

 private:
  Duration slept_{};
};

}  // namespace aya::test
