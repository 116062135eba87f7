#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>

#include "daemon/os/netlink.h"
#include "daemon/os/network_monitor.h"

namespace aya::os {
namespace {

constexpr int kReceiveBuffer = 1024 * 1024;
constexpr Duration kSleepThreshold = 5s;

// Grows only while the machine sleeps.
Duration time_asleep() {
  timespec boot{}, awake{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  clock_gettime(CLOCK_MONOTONIC, &awake);
  const auto of = [](const timespec& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  return of(boot) - of(awake);
}

class NetworkMonitorLinux final : public NetworkMonitor {
 public:
  NetworkMonitorLinux(OwnedFd fd, unsigned ignored, NetworkSnapshot snapshot, TimePoint now)
      : fd_(std::move(fd)),
        ignored_(ignored),
        snapshot_(std::move(snapshot)),
        asleep_(time_asleep()),
        sleep_check_at_(now + kSleepCheckEvery) {}

  int poll_fd() const override { return fd_.get(); }

  void on_readable(TimePoint now) override {
    // What the messages say does not matter: a snapshot is compared once they have settled. Losing
    // some (ENOBUFS) is therefore no loss.
    std::array<std::byte, 16 * 1024> scratch;
    while (::recv(fd_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT) > 0) {
    }
    if (!first_message_) first_message_ = now;
    settled_at_ = std::min(now + kSettle, *first_message_ + kSettleAtMost);
  }

  std::optional<NetworkChange> advance(TimePoint now) override {
    std::optional<NetworkChange> out;
    if (take_if_due(settled_at_, now)) {
      first_message_.reset();
      if (auto fresh = take_snapshot(ignored_)) {
        out = compare(snapshot_, *fresh);
        snapshot_ = *std::move(fresh);
      }
    }
    if (now >= sleep_check_at_) {
      sleep_check_at_ = now + kSleepCheckEvery;
      const Duration asleep = time_asleep();
      if (asleep - asleep_ >= kSleepThreshold) {
        if (!out) out.emplace();
        out->slept = true;
        out->slept_for = asleep - asleep_;
      }
      asleep_ = asleep;
    }
    return out;
  }

  std::optional<TimePoint> next_deadline() const override {
    return earlier(settled_at_, sleep_check_at_);
  }

  const NetworkSnapshot& snapshot() const override { return snapshot_; }

 private:
  OwnedFd fd_;
  unsigned ignored_;
  NetworkSnapshot snapshot_;
  Duration asleep_;
  TimePoint sleep_check_at_;
  std::optional<TimePoint> first_message_;
  std::optional<TimePoint> settled_at_;
};

}  // namespace

Result<std::unique_ptr<NetworkMonitor>, OsError> NetworkMonitor::open(
    unsigned ignored_index, TimePoint now) {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return last_error("watch the network");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return last_error("watch the network");
  }
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  for (const int group :
       {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
        RTNLGRP_IPV6_ROUTE}) {
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return last_error("watch the network");
    }
  }
  auto snapshot = take_snapshot(ignored_index);
  if (!snapshot) return snapshot.error();
  return std::unique_ptr<NetworkMonitor>(std::make_unique<NetworkMonitorLinux>(
      std::move(fd), ignored_index, *std::move(snapshot), now));
}

}  // namespace aya::os
