#include "proto/io/socket_stream.h"

#include <utility>

#include "proto/base/check.h"

namespace aya::io {
namespace {

constexpr Duration kLinger = 5s;
// Above this a written buffer is given back, so that idle connections stay small.
constexpr std::size_t kKeptCapacity = 16 * 1024;

}  // namespace

SocketState::SocketState(Loop& owner, Kind kind) : loop(owner) {
  const int made = kind == Kind::Tcp ? uv_tcp_init(loop.uv(), &handle.tcp)
                                     : uv_pipe_init(loop.uv(), &handle.pipe, 0);
  AYA_CHECK(made == 0);
  handle.base.data = static_cast<LoopHandle*>(this);
}

void SocketState::shut() {
  if (shut_down) return;
  shut_down = true;
  handler = nullptr;
  later.reset();
  uv_close(&handle.base, [](uv_handle_t* closed) { delete &of(closed->data); });
}

void SocketState::start_reading() {
  const int status = uv_read_start(
      stream(),
      [](uv_handle_t* reader, std::size_t, uv_buf_t* buffer) {
        *buffer = static_cast<LoopShared*>(reader->loop->data)->buffer();
      },
      [](uv_stream_t* reader, ssize_t count, const uv_buf_t* buffer) {
        of(reader->data).on_read(count, buffer);
      });
  if (status < 0 && status != UV_EALREADY)
    fail_later(IoError::from_uv(status, "read from " + peer));
}

void SocketState::stop_reading() { uv_read_stop(stream()); }

void SocketState::on_read(ssize_t count, const uv_buf_t* buffer) {
  if (count == 0 || !handler) return;
  if (count > 0) {
    handler->on_bytes(as_bytes(std::string_view(buffer->base, static_cast<std::size_t>(count))));
    return;  // the handler may have closed the stream
  }
  fail(IoError::from_uv(static_cast<int>(count), "read from " + peer));
}

void SocketState::write(Bytes bytes) {
  if (bytes.empty() || failure) return;
  append(pending, bytes);
  if (queued() > ByteStream::kHighWater) above_high_water = true;
  if (queued() > ByteStream::kQueueLimit) {
    fail_later({IoError::Kind::TooSlow, peer + " does not read what is sent to it"});
    return;
  }
  if (!writing) send_pending();
}

void SocketState::send_pending() {
  in_flight.swap(pending);
  const uv_buf_t buffer = uv_buf_init(
      reinterpret_cast<char*>(in_flight.data()), static_cast<unsigned int>(in_flight.size()));
  writing = true;
  const int status = uv_write(
      &write_request, stream(), &buffer, 1,
      [](uv_write_t* written, int result) { of(written->handle->data).on_written(result); });
  if (status < 0) fail_later(IoError::from_uv(status, "write to " + peer));
}

void SocketState::on_written(int status) {
  writing = false;
  if (shut_down) return;
  if (status < 0) {
    if (lingering) return shut();
    return fail(IoError::from_uv(status, "write to " + peer));
  }
  in_flight.clear();
  if (in_flight.capacity() > kKeptCapacity) in_flight = Buffer();
  if (!pending.empty()) return send_pending();
  if (lingering) return shut();
  if (std::exchange(above_high_water, false) && handler) handler->on_drained();
}

std::size_t SocketState::queued() const {
  const auto* at = reinterpret_cast<const uv_stream_t*>(&handle);
  return pending.size() + (writing ? uv_stream_get_write_queue_size(at) : 0);
}

void SocketState::fail(IoError why) {
  if (!handler) {  // paused: told after start()
    if (!failure) failure = std::move(why);
    uv_read_stop(stream());
    return;
  }
  ByteStream::Handler* told = std::exchange(handler, nullptr);
  uv_read_stop(stream());
  failure = why;
  told->on_closed(why);
}

void SocketState::fail_later(IoError why) {
  if (!failure) failure = std::move(why);
  pending.clear();
  if (!later) {
    later = std::make_unique<Timer>(loop, [this] {
      if (!shut_down && handler) fail(*failure);
    });
  }
  later->arm(loop.now());
}

void SocketState::let_go() {
  handler = nullptr;
  if (shut_down) return;
  if ((failure && failure->kind != IoError::Kind::Ended) || (!writing && pending.empty())) {
    return shut();
  }
  lingering = true;
  uv_read_stop(stream());
  later = std::make_unique<Timer>(loop, [this] { shut(); });
  later->arm_in(kLinger);
}

void SocketStream::start(Handler& handler) {
  if (!state_) return;
  state_->handler = &handler;
  if (state_->failure) return state_->fail_later(*state_->failure);
  state_->start_reading();
}

void SocketStream::pause() {
  if (!state_) return;
  state_->handler = nullptr;
  state_->stop_reading();
}

void SocketStream::write(Bytes bytes) {
  if (state_) state_->write(bytes);
}

std::size_t SocketStream::queued() const { return state_ ? state_->queued() : 0; }

void SocketStream::close() {
  if (state_) std::exchange(state_, nullptr)->let_go();
}

}  // namespace aya::io
