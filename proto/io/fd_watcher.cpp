#include "proto/io/fd_watcher.h"

#include <uv.h>

#include "proto/base/check.h"

namespace aya::io {

struct FdWatcher::Impl {
  uv_poll_t handle{};
  std::function<void()> readable;
};

FdWatcher::FdWatcher(Loop& loop, int descriptor, std::function<void()> readable)
    : impl_(new Impl) {
  impl_->readable = std::move(readable);
  impl_->handle.data = impl_;
  AYA_CHECK(uv_poll_init(loop.uv(), &impl_->handle, descriptor) == 0);
  const int failed = uv_poll_start(&impl_->handle, UV_READABLE, [](uv_poll_t* handle, int, int) {
    auto* impl = static_cast<Impl*>(handle->data);
    if (impl->readable) impl->readable();
  });
  AYA_CHECK(failed == 0);
}

FdWatcher::~FdWatcher() {
  impl_->readable = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->handle), [](uv_handle_t* handle) {
    delete static_cast<Impl*>(handle->data);
  });
}

}  // namespace aya::io
