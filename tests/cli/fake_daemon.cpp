#include "tests/cli/fake_daemon.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "proto/http/http1_writer.h"

namespace aya::test {
namespace {

TimePoint clock_now() { return std::chrono::steady_clock::now(); }

void send_all(int fd, const Buffer& bytes) {
  // A client that has left is dropped at the next read.
  (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

FakeDaemon::FakeDaemon(RecordedHost& host, std::string path, std::uint32_t caller)
    : host_(host),
      caller_(caller),
      api_(host, rng_, {.version = "0.0.0-fake", .capability_version = 130, .own_uid = 0}) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener_, 16), 0);
  thread_ = std::thread([this] { serve(); });
}

void FakeDaemon::stop() {
  if (!thread_.joinable()) return;
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // wakes poll()
  thread_.join();
  for (const auto& [fd, client] : clients_) ::close(fd);
  ::close(listener_);
}

void FakeDaemon::serve() {
  while (!ending_) {
    std::vector<pollfd> waiting = {{listener_, POLLIN, 0}};
    for (const auto& [fd, client] : clients_) waiting.push_back({fd, POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), 1000);
    if (ending_) return;
    for (const pollfd& ready : waiting) {
      if (ready.revents == 0) continue;
      if (ready.fd == listener_)
        accept_one();
      else if (!read_from(ready.fd))
        drop(ready.fd);
    }
    write_effects();
  }
}

void FakeDaemon::accept_one() {
  const int fd = ::accept(listener_, nullptr, nullptr);
  if (fd >= 0) clients_[fd];
}

bool FakeDaemon::read_from(int fd) {
  std::array<std::byte, 16 * 1024> buffer;
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  Client& client = clients_[fd];
  const auto used = client.parser.feed(Bytes(buffer).first(static_cast<std::size_t>(got)));
  if (!used) return false;
  if (!client.parser.complete()) return true;
  client.exchange = ++last_exchange_;
  fds_[client.exchange] = fd;
  const http::Request request = client.parser.take();
  const std::string path(request.path());
  if (const auto canned = canned_.find(path); canned != canned_.end()) {
    const auto& [status, body] = canned->second;
    effects_.answers.push_back(
        {localapi::ExchangeId{client.exchange}, http::Response::text(status, body)});
    return true;
  }
  api_.handle(
      localapi::ExchangeId{client.exchange}, request, {.uid = caller_}, clock_now(), effects_);
  for (const auto& change : std::exchange(host_.says, {})) api_.announce(change, effects_);
  for (const auto& [to, pong] : std::exchange(host_.pongs, {})) api_.ping_done(to, pong, effects_);
  for (const auto& [to, json] : std::exchange(host_.laters, {})) {
    api_.later_done(to, json, effects_);
  }
  for (const auto& [to, wanted] : std::exchange(host_.dials, {})) {
    api_.dial_done(to, host_.dialled, effects_);
  }
  for (const auto& to : std::exchange(host_.checks, {})) {
    api_.netcheck_done(to, host_.report, effects_);
  }
  return true;
}

void FakeDaemon::write_effects() {
  for (const auto& answer : effects_.answers) {
    Buffer out;
    http::write_response(answer.response, out);
    if (const auto to = fds_.find(answer.to.value); to != fds_.end()) send_all(to->second, out);
  }
  for (const auto& pipe : effects_.pipes) {
    Buffer out;
    http::write_response(pipe.head, out);
    append(out, as_bytes(host_.dialled_says));
    if (const auto to = fds_.find(pipe.to.value); to != fds_.end()) {
      send_all(to->second, out);
      ::shutdown(to->second, SHUT_WR);
    }
  }
  for (const auto& stream : effects_.streams) {
    Buffer out;
    http::write_stream_head(stream.head.status, stream.head.headers, out);
    if (const auto to = fds_.find(stream.to.value); to != fds_.end()) send_all(to->second, out);
  }
  for (const auto& line : effects_.lines) {
    Buffer out;
    http::write_chunk(as_bytes(line.json), out);
    if (const auto to = fds_.find(line.to.value); to != fds_.end()) send_all(to->second, out);
  }
  effects_.clear();
}

void FakeDaemon::drop(int fd) {
  const std::uint64_t exchange = clients_[fd].exchange;
  if (exchange != 0) {
    api_.closed(localapi::ExchangeId{exchange});
    fds_.erase(exchange);
  }
  clients_.erase(fd);
  ::close(fd);
}

}  // namespace aya::test
