#include "proto/io/fd_watcher.h"

#include "proto/base/check.h"
#include "proto/io/uv_handle.h"

namespace aya::io {

struct FdWatcher::Impl final : LoopHandle {
  void shut() override {
    readable = nullptr;
    uv_close(as_handle(&handle), [](uv_handle_t* closed) { delete &of(closed->data); });
  }
  static Impl& of(void* data) { return *static_cast<Impl*>(static_cast<LoopHandle*>(data)); }

  uv_poll_t handle{};
  std::function<void()> readable;
};

FdWatcher::FdWatcher(Loop& loop, int descriptor, std::function<void()> readable)
    : impl_(new Impl) {
  impl_->readable = std::move(readable);
  impl_->handle.data = static_cast<LoopHandle*>(impl_);
  AYA_CHECK(uv_poll_init(loop.uv(), &impl_->handle, descriptor) == 0);
  AYA_CHECK(uv_poll_start(&impl_->handle, UV_READABLE, [](uv_poll_t* poll, int, int) {
              // A copy, because the call may destroy the watcher and with it the function.
              const auto call = Impl::of(poll->data).readable;
              if (call) call();
            }) == 0);
}

FdWatcher::~FdWatcher() { impl_->shut(); }

}  // namespace aya::io
