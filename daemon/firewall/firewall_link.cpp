#include "daemon/firewall/firewall_link.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace aya::firewall {
namespace {

// From then on somebody is taken to fight with us.
constexpr unsigned kManyRepairs = 5;

}  // namespace

// One thread that does one task after the other with the host's rules, which are its own.
class FirewallLink::Worker {
 public:
  using Task = std::function<void(HostRules&)>;

  Worker(HostRules::Config config, Logger& log)
      : thread_([this, config = std::move(config), &log]() mutable {
          HostRules rules(std::move(config), log);
          while (const auto task = next()) task(rules);
          rules.clear();
        }) {}

  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void add(Task task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

 private:
  Task next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    // What was decided is done, also at the end: a kill switch is not left by a `down` just before.
    if (tasks_.empty()) return nullptr;
    Task out = std::move(tasks_.front());
    tasks_.pop_front();
    return out;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_, like ending_
  bool ending_ = false;
  std::thread thread_;
};

FirewallLink::FirewallLink(
    const Parts& parts, HostRules::Config config, std::function<void()> changed)
    : loop_(parts.loop),
      tell_(std::move(changed)),
      timer_(parts.loop, [this] { look(); }),
      worker_(std::make_unique<Worker>(std::move(config), parts.log)) {
  state_.mode = "none";
  auto monitor = os::RulesetMonitor::open();
  if (!monitor) {
    parts.log.debug("changes of rules are not told", {{"why", monitor.error().message()}});
    return;
  }
  monitor_ = *std::move(monitor);
  monitor_watcher_.emplace(loop_, monitor_->poll_fd(), [this] {
    // A deadline that is sooner stays: events that go on for ever do not put it off.
    if (!monitor_->on_readable() || !told_) return;
    const TimePoint at = loop_.now() + (repairs_ < kManyRepairs ? kSettle : pause_);
    if (!timer_.armed() || *timer_.armed() > at) timer_.arm(at);
  });
}

FirewallLink::~FirewallLink() {
  if (told_ && told_ != wanted_) {
    worker_->add([wanted = wanted_](HostRules& rules) { rules.apply(wanted); });
  }
}

void FirewallLink::set(Node node) {
  wanted_.plan = std::move(node.plan);
  wanted_.kind = std::move(node.kind);
  wanted_.forwarding = node.forwarding;
  begin();
}

void FirewallLink::set_kill_switch(const std::optional<KillSwitch>& wanted) {
  wanted_.kill_switch = wanted;
  begin();
}

void FirewallLink::begin() {
  if (busy_ || told_ == wanted_) return;
  told_ = wanted_;
  start([wanted = wanted_](HostRules& rules) { return rules.apply(wanted); });
}

void FirewallLink::look() {
  look_due_ = busy_;
  if (!busy_) start([](HostRules& rules) { return rules.check(); });
}

void FirewallLink::start(Task task) {
  busy_ = true;
  worker_->add([this, task = std::move(task), &loop = loop_,
                alive = std::weak_ptr<int>(alive_)](HostRules& rules) {
    auto outcome = task(rules);
    loop.post([this, alive, outcome = std::move(outcome)]() mutable {
      if (!alive.expired()) finished(std::move(outcome));
    });
  });
}

void FirewallLink::finished(HostRules::Outcome outcome) {
  busy_ = false;
  arm(outcome);
  const bool news = outcome.problems != state_.problems || outcome.mode != state_.mode;
  state_ = std::move(outcome);
  begin();
  if (!busy_ && std::exchange(look_due_, false)) look();
  if (news && tell_) tell_();
}

void FirewallLink::arm(const HostRules::Outcome& outcome) {
  repairs_ = outcome.repaired ? repairs_ + 1 : 0;
  if (!outcome.failed && repairs_ < kManyRepairs) {
    pause_ = kFirstRetry;
    if (!monitor_ || outcome.needs_polling) timer_.arm_in(kLookEvery);
    return;
  }
  timer_.arm_in(pause_);
  pause_ = std::min(pause_ * 2, kLastRetry);
}

}  // namespace aya::firewall
