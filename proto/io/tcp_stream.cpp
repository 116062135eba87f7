#include "proto/io/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proto/base/check.h"
#include "proto/io/sockaddr.h"
#include "proto/io/socket_stream.h"
#include "proto/io/timer.h"

namespace aya::io {
namespace {

constexpr Duration kStagger = 200ms;
constexpr unsigned int kKeepaliveSeconds = 30;
constexpr unsigned int kUserTimeoutMs = 15'000;
constexpr int kBacklog = 1024;

Endpoint endpoint_of(const uv_tcp_t& tcp, int (*ask)(const uv_tcp_t*, sockaddr*, int*)) {
  sockaddr_storage storage{};
  int size = sizeof(storage);
  if (ask(&tcp, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return from_sockaddr(storage).value_or(Endpoint{});
}

void set_stream_options(uv_tcp_t& tcp) {
  uv_tcp_nodelay(&tcp, 1);
  uv_tcp_keepalive(&tcp, 1, kKeepaliveSeconds);
#ifdef TCP_USER_TIMEOUT
  uv_os_fd_t descriptor;
  if (uv_fileno(as_handle(&tcp), &descriptor) == 0) {
    ::setsockopt(
        descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof(kUserTimeoutMs));
  }
#endif
}

Connected connected(SocketStatePtr state) {
  set_stream_options(state->handle.tcp);
  const Endpoint local = endpoint_of(state->handle.tcp, uv_tcp_getsockname);
  const Endpoint remote = endpoint_of(state->handle.tcp, uv_tcp_getpeername);
  state->peer = remote.to_text();
  return {std::make_unique<SocketStream>(std::move(state)), local, remote};
}

// First one family, then the other, and so on, each in the order given.
std::vector<Endpoint> alternate_families(const std::vector<Endpoint>& candidates) {
  std::vector<Endpoint> first, second, out;
  for (const Endpoint& at : candidates) {
    const bool like_first = at.address.is_v4() == candidates.front().address.is_v4();
    (like_first ? first : second).push_back(at);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

}  // namespace

struct TcpConnect::Impl {
  // Lives inside libuv until its callback; `race` is cleared when nobody waits for it any more.
  struct Attempt {
    uv_connect_t request{};
    Impl* race = nullptr;
    SocketState* socket = nullptr;
    Endpoint to;
  };

  Impl(Loop& on, std::vector<Endpoint> to, const SocketOptions& with, Done call);
  ~Impl();
  void start_next();
  int begin(Attempt& attempt);
  void on_result(Attempt* attempt, int status);
  void on_failed(int status, const Endpoint& to);
  void finish(Result<Connected, IoError> result);

  Loop& loop;
  std::vector<Endpoint> candidates;
  SocketOptions options;
  Done done;
  std::size_t next = 0;
  std::vector<Attempt*> running;
  std::optional<IoError> first_error;
  Timer stagger;
  Timer deadline;
};

TcpConnect::Impl::Impl(Loop& on, std::vector<Endpoint> to, const SocketOptions& with, Done call)
    : loop(on),
      candidates(std::move(to)),
      options(with),
      done(std::move(call)),
      stagger(loop, [this] { start_next(); }),
      deadline(loop, [this] {
        const std::string target = candidates.empty() ? "nowhere" : candidates.front().to_text();
        finish(first_error.value_or(
            IoError{IoError::Kind::TimedOut, "connect to " + target + ": timed out"}));
      }) {}

TcpConnect::Impl::~Impl() {
  for (Attempt* attempt : running) {
    attempt->race = nullptr;
    attempt->socket->shut();  // its callback frees the attempt
  }
}

void TcpConnect::Impl::start_next() {
  if (next == candidates.size()) {
    if (running.empty()) {
      finish(first_error.value_or(IoError{IoError::Kind::NotFound, "no address to connect to"}));
    }
    return;
  }
  auto attempt = std::make_unique<Attempt>();
  attempt->race = this;
  attempt->to = candidates[next++];
  const int status = begin(*attempt);
  if (status != 0) {
    attempt->socket->shut();
    return on_failed(status, attempt->to);
  }
  running.push_back(attempt.release());  // freed by on_result
  if (next < candidates.size()) stagger.arm_in(kStagger);
}

int TcpConnect::Impl::begin(Attempt& attempt) {
  attempt.socket = new SocketState(loop, SocketState::Kind::Tcp);  // frees itself after shut()
  attempt.request.data = &attempt;
  uv_tcp_t& tcp = attempt.socket->handle.tcp;
  sockaddr_storage address;
  to_sockaddr(attempt.to, address);
  // The socket must exist before it is connected, or the marks come too late for the first packet.
  const int descriptor = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return uv_translate_sys_error(errno);
  if (!attempt.to.address.is_loopback()) apply(options, descriptor);
  if (const int opened = uv_tcp_open(&tcp, descriptor); opened != 0) {
    ::close(descriptor);
    return opened;
  }
  return uv_tcp_connect(
      &attempt.request, &tcp, reinterpret_cast<const sockaddr*>(&address),
      [](uv_connect_t* request, int status) {
        auto* finished = static_cast<Attempt*>(request->data);
        if (finished->race) {
          finished->race->on_result(finished, status);
        } else {
          delete finished;
        }
      });
}

void TcpConnect::Impl::on_result(Attempt* attempt, int status) {
  const std::unique_ptr<Attempt> owned(attempt);
  std::erase(running, attempt);
  SocketStatePtr socket(attempt->socket);
  if (status != 0) return on_failed(status, attempt->to);
  finish(connected(std::move(socket)));
}

void TcpConnect::Impl::on_failed(int status, const Endpoint& to) {
  if (!first_error) first_error = IoError::from_uv(status, "connect to " + to.to_text());
  stagger.arm(loop.now());
}

void TcpConnect::Impl::finish(Result<Connected, IoError> result) {
  stagger.disarm();
  deadline.disarm();
  const Done call = std::exchange(done, nullptr);
  for (Attempt* attempt : std::exchange(running, {})) {
    attempt->race = nullptr;
    attempt->socket->shut();
  }
  call(std::move(result));  // may destroy the TcpConnect and this
}

TcpConnect::TcpConnect(
    Loop& loop, std::vector<Endpoint> candidates, const SocketOptions& options, Duration timeout,
    Done done)
    : impl_(
          std::make_unique<Impl>(loop, alternate_families(candidates), options, std::move(done))) {
  impl_->stagger.arm(loop.now());
  impl_->deadline.arm_in(timeout);
}
TcpConnect::~TcpConnect() = default;

struct TcpListener::Impl final : LoopHandle {
  void shut() override {
    accepted = nullptr;
    close_and_delete(this, &handle);
  }
  void on_connection(int status);

  Loop* loop = nullptr;
  uv_tcp_t handle{};
  Endpoint local;
  Accepted accepted;
};

void TcpListener::Impl::on_connection(int status) {
  if (status < 0 || !accepted) return;  // out of descriptors: libuv tries again by itself
  SocketStatePtr socket(new SocketState(*loop, SocketState::Kind::Tcp));
  if (uv_accept(reinterpret_cast<uv_stream_t*>(&handle), socket->stream()) != 0) return;
  // A copy, because the callback may destroy the listener and with it the function.
  const Accepted call = accepted;
  call(connected(std::move(socket)));
}

Result<std::unique_ptr<TcpListener>, IoError> TcpListener::listen(
    Loop& loop, const Endpoint& at, Accepted accepted) {
  auto* impl = new Impl;
  impl->loop = &loop;
  impl->accepted = std::move(accepted);
  impl->handle.data = static_cast<LoopHandle*>(impl);
  AYA_CHECK(uv_tcp_init(loop.uv(), &impl->handle) == 0);
  std::unique_ptr<TcpListener> listener(new TcpListener(impl));

  sockaddr_storage address;
  to_sockaddr(at, address);
  const unsigned int flags = at.address.is_v6() ? UV_TCP_IPV6ONLY : 0;
  int status = uv_tcp_bind(&impl->handle, reinterpret_cast<const sockaddr*>(&address), flags);
  if (status == 0) {
    status = uv_listen(
        reinterpret_cast<uv_stream_t*>(&impl->handle), kBacklog,
        [](uv_stream_t* server, int result) {
          static_cast<Impl*>(static_cast<LoopHandle*>(server->data))->on_connection(result);
        });
  }
  if (status != 0) return IoError::from_uv(status, "listen on " + at.to_text());
  impl->local = endpoint_of(impl->handle, uv_tcp_getsockname);
  return listener;
}

TcpListener::TcpListener(Impl* impl) : impl_(impl) {}
TcpListener::~TcpListener() { impl_->shut(); }
const Endpoint& TcpListener::local() const { return impl_->local; }

}  // namespace aya::io
