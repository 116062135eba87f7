#include "proto/io/timer.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"
#include "proto/io/uv_handle.h"

namespace aya::io {

struct Timer::Impl final : LoopHandle {
  void shut() override {
    deadline.reset();
    // A loop that ends shuts timers whose owners it shuts, too: whoever comes second changes
    // nothing.
    if (uv_is_closing(as_handle(&handle))) return;
    close_and_delete(this, &handle);
  }
  void start();
  void on_timeout();

  Loop* loop = nullptr;
  uv_timer_t handle{};
  std::function<void()> fired;
  std::optional<TimePoint> deadline;
};

void Timer::Impl::start() {
  const auto left = std::max(*deadline - loop->now(), Duration::zero());
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  uv_timer_start(
      &handle,
      [](uv_timer_t* expired) {
        static_cast<Impl*>(static_cast<LoopHandle*>(expired->data))->on_timeout();
      },
      static_cast<std::uint64_t>(milliseconds), 0);
}

void Timer::Impl::on_timeout() {
  if (!deadline) return;
  // libuv counts from the beginning of its turn, which may lie before the arming.
  if (loop->now() < *deadline) return start();
  deadline.reset();
  fired();  // may destroy the timer; this state lives on until the close callback
}

Timer::Timer(Loop& loop, std::function<void()> fired) : impl_(new Impl) {
  impl_->loop = &loop;
  impl_->fired = std::move(fired);
  impl_->handle.data = static_cast<LoopHandle*>(impl_);
  AYA_CHECK(uv_timer_init(loop.uv(), &impl_->handle) == 0);
}

Timer::~Timer() { impl_->shut(); }

void Timer::arm(std::optional<TimePoint> deadline) {
  if (deadline == impl_->deadline) return;
  impl_->deadline = deadline;
  if (deadline) {
    impl_->start();
  } else {
    uv_timer_stop(&impl_->handle);
  }
}

void Timer::arm_in(Duration from_now) { arm(impl_->loop->now() + from_now); }

std::optional<TimePoint> Timer::armed() const { return impl_->deadline; }

}  // namespace aya::io
