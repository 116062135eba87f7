#include "proto/io/loop.h"

#include <uv.h>

#include <csignal>
#include <mutex>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/scope_exit.h"
#include "proto/io/timer.h"
#include "proto/io/uv_handle.h"

namespace aya::io {
namespace {

struct Signal final : LoopHandle {
  void shut() override { close_and_delete(this, &handle); }

  uv_signal_t handle{};
  std::function<void(int)> signaled;
};

// Asks before every wait whether to go on waiting: a timer may have brought what is waited for.
struct Question final : LoopHandle {
  void shut() override { close_and_delete(this, &handle); }

  uv_prepare_t handle{};
  const std::function<bool()>* done = nullptr;
};

}  // namespace

struct Loop::Impl final : LoopHandle {
  Impl();
  ~Impl();
  void shut() override { uv_close(as_handle(&wake), nullptr); }
  void run_posted();

  uv_loop_t loop{};
  LoopShared shared;
  uv_async_t wake{};
  bool stopping = false;

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by `mutex`
};

Loop::Impl::Impl() {
  AYA_CHECK(uv_loop_init(&loop) == 0);
  loop.data = &shared;
  wake.data = static_cast<LoopHandle*>(this);
  AYA_CHECK(uv_async_init(&loop, &wake, [](uv_async_t* handle) {
              static_cast<Impl*>(static_cast<LoopHandle*>(handle->data))->run_posted();
            }) == 0);
  // A peer that closes early is an error from write(), never a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
}

Loop::Impl::~Impl() {
  uv_walk(
      &loop,
      [](uv_handle_t* handle, void*) {
        if (!uv_is_closing(handle)) static_cast<LoopHandle*>(handle->data)->shut();
      },
      nullptr);
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
  }
  AYA_CHECK(uv_loop_close(&loop) == 0);
}

void Loop::Impl::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex);
    tasks.swap(posted);
  }
  for (auto& task : tasks) task();
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

TimePoint Loop::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

WallTime Loop::wall_now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

void Loop::run() {
  while (!impl_->stopping) uv_run(&impl_->loop, UV_RUN_DEFAULT);
  impl_->stopping = false;
}

void Loop::stop() {
  impl_->stopping = true;
  uv_stop(&impl_->loop);
}

bool Loop::run_until(const std::function<bool()>& done, Duration limit) {
  bool out_of_time = false;
  Timer timer(*this, [&] { out_of_time = true; });
  timer.arm_in(limit);
  auto* question = new Question;  // freed by its close callback
  const ScopeExit answered([&] { question->shut(); });
  question->done = &done;
  question->handle.data = static_cast<LoopHandle*>(question);
  uv_prepare_init(&impl_->loop, &question->handle);
  uv_prepare_start(&question->handle, [](uv_prepare_t* handle) {
    if ((*static_cast<Question*>(static_cast<LoopHandle*>(handle->data))->done)()) {
      uv_stop(handle->loop);
    }
  });
  while (!done()) {
    if (out_of_time) return false;
    uv_run(&impl_->loop, UV_RUN_ONCE);
  }
  return true;
}

void Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> signaled) {
  for (const int number : signals) {
    auto* signal = new Signal;  // freed by its close callback
    signal->signaled = signaled;
    signal->handle.data = static_cast<LoopHandle*>(signal);
    uv_signal_init(&impl_->loop, &signal->handle);
    uv_signal_start(
        &signal->handle,
        [](uv_signal_t* handle, int received) {
          static_cast<Signal*>(static_cast<LoopHandle*>(handle->data))->signaled(received);
        },
        number);
  }
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->posted.push_back(std::move(task));
  }
  uv_async_send(&impl_->wake);
}

uv_loop_s* Loop::uv() { return &impl_->loop; }

}  // namespace aya::io
