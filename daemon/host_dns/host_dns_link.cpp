#include "daemon/host_dns/host_dns_link.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "daemon/os/owned_fd.h"

namespace aya::host_dns {

struct HostDnsLink::Shared {
  explicit Shared(Places places, Logger& log) : core(std::move(places), log) {}

  HostDns core;  // the thread's alone once it runs
  os::OwnedFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::thread thread;

  std::mutex mutex;  // guards what follows
  std::condition_variable done;
  HostDnsLink* link = nullptr;  // nullptr: it is gone
  std::optional<Wanted> wanted;
  std::uint64_t asked = 0, answered = 0;  // wishes
  bool ending = false;

  // The number of this wish.
  std::uint64_t ask(std::optional<Wanted> next, bool waits) {
    std::unique_lock lock(mutex);
    wanted = std::move(next);
    const std::uint64_t mine = ++asked;
    knock();
    if (waits) done.wait(lock, [&] { return answered >= mine; });
    return mine;
  }

  void knock() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(wake.get(), &one, sizeof one);
  }

  void run(io::Loop& loop, const std::shared_ptr<Shared>& self) {
    State told;
    std::optional<std::uint64_t> tried;
    core.begin();
    for (;;) {
      tell(loop, self, told);
      if (tried) tell_tried(loop, self, *std::exchange(tried, std::nullopt));

      core.wait(wake.get());
      std::uint64_t knocks = 0;
      if (::read(wake.get(), &knocks, sizeof knocks) > 0) {
        std::unique_lock lock(mutex);
        const auto wish = wanted;
        const std::uint64_t about = asked;
        const bool last = ending;
        lock.unlock();
        core.set_wanted(wish);
        lock.lock();
        answered = about;
        done.notify_all();
        if (last) return;
        tried = about;
      }
    }
  }

  void tell(io::Loop& loop, const std::shared_ptr<Shared>& self, State& told) const {
    if (core.state() == told) return;
    told = core.state();
    loop.post([self, told] {
      HostDnsLink* receiver = self->link;  // the loop's thread is the one that clears it
      if (receiver == nullptr) return;
      receiver->state_ = told;
      if (receiver->news_.changed) receiver->news_.changed();
    });
  }

  static void tell_tried(
      io::Loop& loop, const std::shared_ptr<Shared>& self, std::uint64_t wish) {
    loop.post([self, wish] {
      if (self->link != nullptr) self->link->on_tried(wish);
    });
  }
};

HostDnsLink::HostDnsLink(io::Loop& loop, Logger& log, Places places, News news)
    : news_(std::move(news)), shared_(std::make_shared<Shared>(std::move(places), log)) {
  shared_->link = this;
  shared_->thread = std::thread([shared = shared_, &loop] { shared->run(loop, shared); });
}

HostDnsLink::~HostDnsLink() {
  shared_->link = nullptr;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending = true;
  }
  shared_->ask(std::nullopt, false);
  shared_->thread.join();
}

void HostDnsLink::apply(const Wanted& wanted) { asked_ = shared_->ask(wanted, false); }

void HostDnsLink::restore(Wait wait) { asked_ = shared_->ask(std::nullopt, wait == Wait::Yes); }

void HostDnsLink::on_tried(std::uint64_t wish) {
  tried_ = wish;
  if (is_settled() && news_.settled) news_.settled();
}

}  // namespace aya::host_dns
