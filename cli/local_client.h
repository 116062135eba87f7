// The daemon's local interface as a command sees it: blocking calls over the unix socket, one
// connection each, with a deadline. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/console.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/http/http1_parser.h"
#include "proto/http/message.h"
#include "proto/local/prefs.h"
#include "proto/local/status.h"

namespace aya::cli {

struct ClientError {
  enum class Kind {
    NoDaemon,  // nothing listens
    Denied,    // 403
    TimedOut,
    Refused,  // any other answer but success; `status` and `text` are the daemon's
    Broken,   // not HTTP, or the connection ended in the middle
  };
  Kind kind = Kind::Broken;
  std::string text;  // as received or from the system: print through printable()
  int status = 0;
};

// A bus subscription: lines until the daemon ends it.
class LineStream {
 public:
  explicit LineStream(int fd) : fd_(fd) {}
  ~LineStream();
  LineStream(const LineStream&) = delete;
  LineStream& operator=(const LineStream&) = delete;

  // The next line without its end. TimedOut: none by the deadline.
  Result<std::string, ClientError> next(Console& console, std::optional<TimePoint> deadline);

 private:
  friend class LocalClient;
  int fd_;
  http::ResponseParser parser_;
  std::string waiting_;
};

// A TCP connection, closed with this.
class Connection {
 public:
  Connection(int fd, std::string already_read) : fd_(fd), already_read_(std::move(already_read)) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  // What came together with the daemon's answer, before everything that is read from fd().
  const std::string& already_read() const { return already_read_; }

 private:
  friend class LocalClient;
  int fd_;
  std::string already_read_;
};

class LocalClient {
 public:
  LocalClient(Console& console, std::string socket_path)
      : console_(console), path_(std::move(socket_path)) {}

  // `target`: below /localapi/v0/, with its query. The body of a successful answer.
  Result<std::string, ClientError> call(
      std::string_view method, std::string_view target, std::string_view body = "",
      std::optional<Duration> timeout = std::nullopt);
  // Why a person wants what the next calls ask for; the daemon writes it down.
  void set_reason(std::string reason) { reason_ = std::move(reason); }
  Result<std::string, ClientError> get(std::string_view target) { return call("GET", target); }
  Result<std::unique_ptr<LineStream>, ClientError> watch(std::uint64_t mask);
  // Into the network through the daemon; to hosts elsewhere from here. Refused: nobody answers.
  Result<std::unique_ptr<Connection>, ClientError> dial(
      const std::string& host, std::uint16_t port);

  Result<local::Status, ClientError> status(bool with_peers = true);
  Result<local::Prefs, ClientError> prefs();

 private:
  Result<int, ClientError> connect(std::string_view target);

  Console& console_;
  std::string path_;
  std::string reason_;
};

}  // namespace aya::cli
