// What a command sees of the terminal and the machine, behind a seam so that tests can hold it.
// Results go to out, progress, warnings and addresses to visit to err (interfaces 3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/web.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/netaddr/ip_address.h"

namespace aya::cli {

struct FileError {
  std::string text;  // a sentence
};

class Console {
 public:
  virtual ~Console() = default;

  virtual bool out(std::string_view text) = 0;  // false: nobody reads any more
  virtual void err(std::string_view text) = 0;
  virtual bool out_is_terminal() const = 0;
  virtual std::optional<std::string> env(const char* name) const = 0;
  virtual std::string read_stdin() = 0;
  virtual std::optional<std::string> read_line() = 0;  // nullopt: nobody answers any more
  virtual Result<std::string, FileError> read_file(const std::string& path) = 0;
  // In place of what was there, at once and whole, or not at all.
  virtual Result<void, FileError> replace_file(const std::string& path, std::string_view text) = 0;
  // Makes it, for its owner alone; refuses where there is one already.
  virtual Result<void, FileError> make_file(const std::string& path, std::string_view text) = 0;
  // Standard input goes to the socket and what the socket brings to standard output, until the other
  // end closes it. The end of the input ends nothing: the answer may still come.
  virtual Result<void, FileError> join(int socket) = 0;
  virtual bool machine_has_address(const IpAddress& address) const = 0;
  virtual Result<http::Response, WebError> ask_web(const WebRequest& request) = 0;

  virtual TimePoint now() const = 0;
  virtual WallTime wall_now() const = 0;
  virtual void sleep_until(TimePoint when) = 0;
};

// The real one.
class SystemConsole final : public Console {
 public:
  bool out(std::string_view text) override;
  void err(std::string_view text) override;
  bool out_is_terminal() const override;
  std::optional<std::string> env(const char* name) const override;
  std::string read_stdin() override;
  std::optional<std::string> read_line() override;
  Result<std::string, FileError> read_file(const std::string& path) override;
  Result<void, FileError> replace_file(const std::string& path, std::string_view text) override;
  Result<void, FileError> make_file(const std::string& path, std::string_view text) override;
  Result<void, FileError> join(int socket) override;
  bool machine_has_address(const IpAddress& address) const override;
  Result<http::Response, WebError> ask_web(const WebRequest& request) override {
    return cli::ask_web(request);
  }
  TimePoint now() const override;
  WallTime wall_now() const override;
  void sleep_until(TimePoint when) override;
};

}  // namespace aya::cli
