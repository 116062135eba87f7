// What every libuv handle of this room has in common. For the .cpp files of this room.
//
// A handle lives inside a state object that libuv's close callback frees, because libuv still uses
// the handle for a while after its owner is gone. `handle->data` always points at the LoopHandle.
#pragma once

#include <uv.h>

#include <array>
#include <memory>

namespace aya::io {

class LoopHandle {
 public:
  // Closes the handle; the state is freed by the close callback. Called by the owner's destructor,
  // and by the Loop's for states that were still lingering.
  virtual void shut() = 0;

 protected:
  ~LoopHandle() = default;
};

// What streams of one loop share; uv_loop_t::data points at it.
struct LoopShared {
  // One read at a time is handed out, so one buffer serves every stream of the loop.
  static constexpr std::size_t kReadSize = 64 * 1024;
  std::unique_ptr<std::array<char, kReadSize>> read_buffer;

  uv_buf_t buffer() {
    if (!read_buffer) read_buffer.reset(new std::array<char, kReadSize>);
    return uv_buf_init(read_buffer->data(), kReadSize);
  }
};

template <class Handle>
uv_handle_t* as_handle(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

// Closes `handle`, a member of `state`, and frees the state once libuv has let go of it.
template <class State, class Handle>
void close_and_delete(State* state, Handle* handle) {
  handle->data = static_cast<LoopHandle*>(state);
  uv_close(as_handle(handle), [](uv_handle_t* closed) {
    delete static_cast<State*>(static_cast<LoopHandle*>(closed->data));
  });
}

}  // namespace aya::io
