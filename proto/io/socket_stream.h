// One connected socket, TCP or unix, as a ByteStream. For the .cpp files of this room; others get
// it from TcpConnect, TcpListener, UnixListener and connect_unix().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/io/byte_stream.h"
#include "proto/io/loop.h"
#include "proto/io/timer.h"
#include "proto/io/uv_handle.h"
#include "proto/netaddr/endpoint.h"

namespace aya::io {

// The handle and everything libuv may still touch; freed by the close callback.
struct SocketState final : LoopHandle {
  enum class Kind { Tcp, Unix };

  SocketState(Loop& loop, Kind kind);
  ~SocketState() = default;
  SocketState(const SocketState&) = delete;
  SocketState& operator=(const SocketState&) = delete;

  static SocketState& of(const void* data) {
    return *static_cast<SocketState*>(static_cast<LoopHandle*>(const_cast<void*>(data)));
  }

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle); }
  void shut() override;

  void start_reading();
  void stop_reading();
  void on_read(ssize_t count, const uv_buf_t* buffer);
  void write(Bytes bytes);
  void send_pending();
  void on_written(int status);
  std::size_t queued() const;
  void fail(IoError why);        // from a callback: closes and reports
  void fail_later(IoError why);  // from a call of the owner: reports from the loop
  void let_go();                 // the owner left: write what is queued, then close

  Loop& loop;
  union {
    uv_handle_t base;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle{};
  uv_write_t write_request{};
  ByteStream::Handler* handler = nullptr;
  Buffer pending;                  // taken from the owner
  Buffer in_flight;                // handed to libuv
  std::optional<IoError> failure;  // waits for fail_later's turn, or for a handler
  std::unique_ptr<Timer> later;
  std::string peer;  // for error texts
  bool shut_down = false;
  bool writing = false;
  bool lingering = false;
  bool above_high_water = false;
};

struct CloseSocketState {
  void operator()(SocketState* state) const { state->shut(); }
};
using SocketStatePtr = std::unique_ptr<SocketState, CloseSocketState>;

class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(SocketStatePtr state) : state_(state.release()) {}
  ~SocketStream() override { close(); }

  void start(Handler& handler) override;
  void pause() override;
  void write(Bytes bytes) override;
  std::size_t queued() const override;
  void close() override;

 private:
  SocketState* state_;  // null once closed; frees itself
};

}  // namespace aya::io
