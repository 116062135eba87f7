#include "proto/io/unix_stream.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/scope_exit.h"
#include "proto/io/socket_stream.h"

namespace aya::io {
namespace {

constexpr int kWaitingClients = 128;

// nullopt: the path does not fit, which libuv would cut off without a word.
std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

IoError path_too_long(const std::string& path) {
  return {IoError::Kind::Other, "socket path is too long for the system: " + path};
}

// A connected descriptor, or the negative errno.
int connect_descriptor(const sockaddr_un& address) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return descriptor;
  }
  const int error = errno;
  ::close(descriptor);
  return -error;
}

// Removes a socket file that nobody listens on any more.
Result<void, IoError> clear_dead_socket(const std::string& path, const sockaddr_un& address) {
  const int descriptor = connect_descriptor(address);
  if (descriptor >= 0) ::close(descriptor);
  if (descriptor >= 0 || descriptor == -EAGAIN) {
    return IoError{
        IoError::Kind::AddressInUse, "listen on " + path + ": another program serves it"};
  }
  struct stat found {};
  if (descriptor == -ECONNREFUSED && ::lstat(path.c_str(), &found) == 0 &&
      S_ISSOCK(found.st_mode)) {
    ::unlink(path.c_str());
  }
  return {};
}

std::optional<PeerCredentials> credentials_of(uv_pipe_t& pipe) {
  uv_os_fd_t descriptor;
  if (uv_fileno(as_handle(&pipe), &descriptor) != 0) return std::nullopt;
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::nullopt;
  }
  return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

}  // namespace

struct UnixListener::Impl final : LoopHandle {
  void shut() override {
    accepted = nullptr;
    // Also removes the socket file.
    close_and_delete(this, &handle);
  }
  void on_connection(int status);

  Loop* loop = nullptr;
  uv_pipe_t handle{};
  Accepted accepted;
};

void UnixListener::Impl::on_connection(int status) {
  if (status < 0 || !accepted) return;
  SocketStatePtr socket(new SocketState(*loop, SocketState::Kind::Unix));
  if (uv_accept(reinterpret_cast<uv_stream_t*>(&handle), socket->stream()) != 0) return;
  socket->peer = "local client";
  const auto credentials = credentials_of(socket->handle.pipe);
  // A copy, because the callback may destroy the listener and with it the function.
  const Accepted call = accepted;
  call(std::make_unique<SocketStream>(std::move(socket)), credentials);
}

Result<std::unique_ptr<UnixListener>, IoError> UnixListener::listen(
    Loop& loop, const std::string& path, mode_t mode, Accepted accepted) {
  const auto address = address_of(path);
  if (!address) return path_too_long(path);
  if (auto cleared = clear_dead_socket(path, *address); !cleared) return cleared.error();

  auto* impl = new Impl;
  impl->loop = &loop;
  impl->accepted = std::move(accepted);
  impl->handle.data = static_cast<LoopHandle*>(impl);
  AYA_CHECK(uv_pipe_init(loop.uv(), &impl->handle, 0) == 0);
  std::unique_ptr<UnixListener> listener(new UnixListener(impl));

  int status = uv_pipe_bind(&impl->handle, path.c_str());
  // Nobody can connect before listen(), so the mode is never too wide.
  if (status == 0 && ::chmod(path.c_str(), mode) != 0) status = uv_translate_sys_error(errno);
  if (status == 0) {
    status = uv_listen(
        reinterpret_cast<uv_stream_t*>(&impl->handle), kWaitingClients,
        [](uv_stream_t* server, int result) {
          static_cast<Impl*>(static_cast<LoopHandle*>(server->data))->on_connection(result);
        });
  }
  if (status != 0) return IoError::from_uv(status, "listen on " + path);
  return listener;
}

UnixListener::UnixListener(Impl* impl) : impl_(impl) {}
UnixListener::~UnixListener() { impl_->shut(); }

Result<std::unique_ptr<ByteStream>, IoError> connect_unix(Loop& loop, const std::string& path) {
  const auto address = address_of(path);
  if (!address) return path_too_long(path);
  const int descriptor = connect_descriptor(*address);
  if (descriptor < 0) return IoError::from_errno(-descriptor, "connect to " + path);
  SocketStatePtr socket(new SocketState(loop, SocketState::Kind::Unix));
  socket->peer = path;
  if (const int status = uv_pipe_open(&socket->handle.pipe, descriptor); status != 0) {
    ::close(descriptor);
    return IoError::from_uv(status, "connect to " + path);
  }
  return std::unique_ptr<ByteStream>(std::make_unique<SocketStream>(std::move(socket)));
}

}  // namespace aya::io
