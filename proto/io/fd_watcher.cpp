#include "proto/io/fd_watcher.h"

#include <poll.h>

#include "proto/base/check.h"
#include "proto/io/uv_handle.h"

namespace aya::io {
namespace {

bool is_in_error(int descriptor) {
  pollfd asked{descriptor, 0, 0};
  return ::poll(&asked, 1, 0) > 0;
}

}  // namespace

struct FdWatcher::Impl final : LoopHandle {
  void shut() override {
    readable = nullptr;
    uv_close(as_handle(&handle), [](uv_handle_t* closed) { delete &of(closed->data); });
  }
  static Impl& of(void* data) { return *static_cast<Impl*>(static_cast<LoopHandle*>(data)); }

  void start();
  void on_event(int status);

  uv_poll_t handle{};
  int descriptor = -1;
  std::function<void()> readable;
};

void FdWatcher::Impl::start() {
  AYA_CHECK(uv_poll_start(&handle, UV_READABLE, [](uv_poll_t* poll, int status, int) {
              of(poll->data).on_event(status);
            }) == 0);
}

void FdWatcher::Impl::on_event(int status) {
  // A copy, because the call may destroy the watcher and with it the function.
  const auto call = readable;
  if (!call) return;
  call();
  // libuv gives a descriptor up over any error. Most end by being read, such as netlink's word that
  // messages were lost; one that lasts (the device is gone) would only spin.
  if (status < 0 && readable && !is_in_error(descriptor)) start();
}

FdWatcher::FdWatcher(Loop& loop, int descriptor, std::function<void()> readable) : impl_(new Impl) {
  impl_->descriptor = descriptor;
  impl_->readable = std::move(readable);
  impl_->handle.data = static_cast<LoopHandle*>(impl_);
  AYA_CHECK(uv_poll_init(loop.uv(), &impl_->handle, descriptor) == 0);
  impl_->start();
}

FdWatcher::~FdWatcher() { impl_->shut(); }

}  // namespace aya::io
