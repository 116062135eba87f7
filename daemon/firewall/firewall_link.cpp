#include "daemon/firewall/firewall_link.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace aya::firewall {

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
    if (ending_) return nullptr;
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
      worker_(std::make_unique<Worker>(std::move(config), parts.log)) {}

FirewallLink::~FirewallLink() = default;

void FirewallLink::set_plan(const Plan& plan, const Sysctls::Forwarding& forwarding) {
  wanted_.plan = plan;
  wanted_.forwarding = forwarding;
  begin();
}

void FirewallLink::set_kill_switch(const std::optional<KillSwitch>& wanted) {
  wanted_.kill_switch = wanted;
  begin();
}

void FirewallLink::begin() {
  if (busy_ || told_ == wanted_) return;
  busy_ = true;
  told_ = wanted_;
  worker_->add([this, wanted = wanted_, &loop = loop_,
                alive = std::weak_ptr<int>(alive_)](HostRules& rules) {
    auto problems = rules.apply(wanted);
    loop.post([this, alive, problems = std::move(problems)]() mutable {
      if (!alive.expired()) finished(std::move(problems));
    });
  });
}

void FirewallLink::finished(std::vector<Problem> problems) {
  busy_ = false;
  begin();
  if (std::exchange(problems_, problems) != problems && tell_) tell_();
}

}  // namespace aya::firewall
