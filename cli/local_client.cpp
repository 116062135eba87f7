#include "cli/local_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/text.h"
#include "proto/base/base64.h"
#include "proto/base/scope_exit.h"
#include "proto/http/http1_writer.h"
#include "proto/http/upgrade.h"
#include "proto/netaddr/endpoint.h"

namespace aya::cli {
namespace {

using Kind = ClientError::Kind;

constexpr auto kAnswerTimeout = 30s;
constexpr auto kDialTimeout = 40s;  // the daemon tries for 30 s
constexpr std::string_view kDialProtocol = "ts-dial";
constexpr auto kStartGrace = 2s;  // a daemon that is just starting refuses for a moment
// Status and network maps of large networks are long.
constexpr http::Limits kLimits{.head = 64 * 1024, .fields = 200, .body = 256 * 1024 * 1024};

// Waits until the descriptor is ready for `events`; false at the deadline.
bool wait_ready(int fd, short events, Console& console, std::optional<TimePoint> deadline) {
  while (true) {
    int wait = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - console.now());
      if (left.count() <= 0) return false;
      wait = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
    }
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, wait);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the call that follows names the error
  }
}

Result<void, ClientError> send_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return ClientError{Kind::Broken, std::strerror(errno)};
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

// Feeds what arrives into the parser once; false at the end of the connection. What is not the
// parser's any more is added to `behind`.
Result<bool, ClientError> receive(
    int fd, http::ResponseParser& parser, Console& console, std::optional<TimePoint> deadline,
    std::string* behind = nullptr) {
  if (!wait_ready(fd, POLLIN, console, deadline)) {
    return ClientError{Kind::TimedOut, "no answer from the daemon in time"};
  }
  std::array<std::byte, 64 * 1024> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0) return ClientError{Kind::Broken, std::strerror(errno)};
  if (got == 0) {
    if (!parser.end_of_input()) {
      return ClientError{Kind::Broken, "the daemon closed the connection in the middle"};
    }
    return false;
  }
  const Bytes came = Bytes(buffer).first(static_cast<std::size_t>(got));
  const auto used = parser.feed(came);
  if (!used) return ClientError{Kind::Broken, std::string(http::to_text(used.error()))};
  if (behind != nullptr) *behind += as_text(came.subspan(*used));
  return true;
}

http::Request make_request(
    std::string_view method, std::string_view target, std::string_view body) {
  http::Request request;
  request.method = method;
  request.target = "/localapi/v0/" + std::string(target);
  request.headers.add("Host", "local-tailscaled.sock");
  request.headers.add("Connection", "close");
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  append(request.body, as_bytes(body));
  return request;
}

ClientError refusal_of(const http::Response& response) {
  const std::string text(trim(as_text(response.body)));
  return {response.status == 403 ? Kind::Denied : Kind::Refused, text, response.status};
}

Result<std::unique_ptr<Connection>, ClientError> connect_tcp(const Endpoint& to) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const auto raw = to.address.bytes();
  if (to.address.is_v4()) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(to.port);
    std::memcpy(&v4.sin_addr, raw.data(), raw.size());
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(to.port);
    std::memcpy(&v6.sin6_addr, raw.data(), raw.size());
  }
  const bool is_v4 = to.address.is_v4();
  const int fd = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ClientError{Kind::Broken, std::strerror(errno)};
  auto connection = std::make_unique<Connection>(fd, "");
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (::connect(fd, address, is_v4 ? sizeof v4 : sizeof v6) == 0) return connection;
  return ClientError{Kind::Refused, std::strerror(errno), 502};
}

}  // namespace

LineStream::~LineStream() { ::close(fd_); }

Result<std::string, ClientError> LineStream::next(
    Console& console, std::optional<TimePoint> deadline) {
  while (true) {
    const std::size_t end = waiting_.find('\n');
    if (end != std::string::npos) {
      std::string line = waiting_.substr(0, end);
      waiting_.erase(0, end + 1);
      return line;
    }
    if (parser_.head_done() && parser_.complete()) {
      return ClientError{Kind::Broken, "the daemon ended the subscription"};
    }
    const auto more = receive(fd_, parser_, console, deadline);
    if (!more) return more.error();
    if (parser_.head_done()) waiting_ += as_text(parser_.take_body());
    if (!*more) return ClientError{Kind::Broken, "the daemon closed the connection"};
  }
}

Result<int, ClientError> LocalClient::connect(std::string_view target) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    return ClientError{Kind::NoDaemon, "socket path " + path_ + " is too long"};
  }
  std::memcpy(address.sun_path, path_.data(), path_.size());
  const TimePoint give_up = console_.now() + kStartGrace;
  while (true) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ClientError{Kind::Broken, std::strerror(errno)};
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    const int error = errno;
    ::close(fd);
    if (error == ECONNREFUSED && console_.now() < give_up) {
      console_.sleep_until(console_.now() + 100ms);
      continue;
    }
    const std::string route(target.substr(0, target.find('?')));
    return ClientError{
        error == EACCES ? Kind::Denied : Kind::NoDaemon,
        "/localapi/v0/" + route + ": dial unix " + path_ + ": connect: " + std::strerror(error)};
  }
}

Result<std::string, ClientError> LocalClient::call(
    std::string_view method, std::string_view target, std::string_view body,
    std::optional<Duration> timeout) {
  const auto fd = connect(target);
  if (!fd) return fd.error();
  const ScopeExit close_fd([fd] { ::close(*fd); });
  Buffer bytes;
  http::Request request = make_request(method, target, body);
  if (!reason_.empty()) request.headers.add("X-Tailscale-Reason", to_base64(as_bytes(reason_)));
  http::write_request(request, bytes);
  if (const auto sent = send_all(*fd, bytes); !sent) return sent.error();
  http::ResponseParser parser(kLimits);
  parser.expect_answer_to(method);
  const TimePoint deadline = console_.now() + timeout.value_or(kAnswerTimeout);
  while (!parser.complete()) {
    const auto more = receive(*fd, parser, console_, deadline);
    if (!more) return more.error();
    if (!*more && !parser.complete()) return ClientError{Kind::Broken, "no answer from the daemon"};
  }
  const http::Response response = parser.take();
  if (!response.ok()) return refusal_of(response);
  return std::string(as_text(response.body));
}

Result<std::unique_ptr<LineStream>, ClientError> LocalClient::watch(std::uint64_t mask) {
  const std::string target = "watch-ipn-bus?mask=" + std::to_string(mask);
  const auto fd = connect(target);
  if (!fd) return fd.error();
  auto stream = std::make_unique<LineStream>(*fd);
  stream->parser_ = http::ResponseParser(kLimits);
  Buffer bytes;
  http::write_request(make_request("GET", target, ""), bytes);
  if (const auto sent = send_all(*fd, bytes); !sent) return sent.error();
  const TimePoint deadline = console_.now() + kAnswerTimeout;
  // Once the head is here, nothing that happens is missed.
  while (!stream->parser_.head_done()) {
    const auto more = receive(*fd, stream->parser_, console_, deadline);
    if (!more) return more.error();
    if (!*more) return ClientError{Kind::Broken, "no answer from the daemon"};
  }
  if (stream->parser_.head().ok()) {
    stream->waiting_ += as_text(stream->parser_.take_body());
    return stream;
  }
  while (!stream->parser_.complete()) {
    const auto more = receive(*fd, stream->parser_, console_, deadline);
    if (!more) return more.error();
  }
  return refusal_of(stream->parser_.take());
}

Connection::~Connection() { ::close(fd_); }

Result<std::unique_ptr<Connection>, ClientError> LocalClient::dial(
    const std::string& host, std::uint16_t port) {
  const auto fd = connect("dial");
  if (!fd) return fd.error();
  auto connection = std::make_unique<Connection>(*fd, "");
  http::Request request = make_request("POST", "dial", "");
  request.headers.set("Connection", "upgrade");
  request.headers.add("Upgrade", kDialProtocol);
  request.headers.add("Dial-Host", host);
  request.headers.add("Dial-Port", std::to_string(port));
  request.headers.add("Dial-Network", "tcp");
  Buffer bytes;
  http::write_request(request, bytes);
  if (const auto sent = send_all(*fd, bytes); !sent) return sent.error();
  http::ResponseParser parser(kLimits);
  const TimePoint deadline = console_.now() + kDialTimeout;
  std::string behind;  // the answer, on the connection
  while (!parser.complete()) {
    const auto more = receive(*fd, parser, console_, deadline, &behind);
    if (!more) return more.error();
    if (!*more && !parser.complete()) return ClientError{Kind::Broken, "no answer from the daemon"};
  }
  const http::Response response = parser.take();
  if (http::switched_to(response, kDialProtocol)) {
    connection->already_read_ = std::move(behind);
    return connection;
  }
  if (!response.ok() || response.headers.get("Dial-Self") != "true") return refusal_of(response);
  const auto elsewhere = Endpoint::parse(response.headers.get("Dial-Addr"));
  if (!elsewhere) return ClientError{Kind::Broken, "the daemon names no address to connect to"};
  return connect_tcp(*elsewhere);
}

Result<local::Status, ClientError> LocalClient::status(bool with_peers) {
  auto body = get(with_peers ? "status" : "status?peers=false");
  if (!body) return body.error();
  auto status = local::parse_status(*body);
  if (!status) return ClientError{Kind::Broken, "the daemon's status is not readable"};
  return *std::move(status);
}

Result<local::Prefs, ClientError> LocalClient::prefs() {
  auto body = get("prefs");
  if (!body) return body.error();
  auto prefs = local::parse_prefs(*body);
  if (!prefs) return ClientError{Kind::Broken, "the daemon's settings are not readable"};
  return *std::move(prefs);
}

}  // namespace aya::cli
