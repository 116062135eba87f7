#include <time.h>

#include <array>

#include "daemon/os/netlink.h"
#include "daemon/os/network_monitor.h"
#include "daemon/os/routes.h"
#include "daemon/os/routing_rules.h"

namespace aya::os {
namespace {

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

// Whether an event may change a snapshot. What we do ourselves with a large map, and what a host
// with many containers does all day, costs no more than reading it.
bool matters(const NetlinkView& event, unsigned ignored_index) {
  switch (event.type()) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return static_cast<unsigned>(event.body<ifinfomsg>().ifi_index) != ignored_index;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return event.body<ifaddrmsg>().ifa_index != ignored_index;
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto route = event.body<rtmsg>();
      const auto attribute = [&](std::uint16_t wanted) {
        return event.attribute(sizeof route, wanted);
      };
      const std::uint32_t table = read_u32(attribute(RTA_TABLE)).value_or(route.rtm_table);
      if (table == kRouteTable || table == RT_TABLE_LOCAL) return false;
      if ((route.rtm_flags & RTM_F_CLONED) != 0) return false;
      if (read_u32(attribute(RTA_OIF)) == ignored_index) return false;
      const auto to = read_address(route.rtm_family, attribute(RTA_DST));
      return !to || !(to->is_multicast() || to->is_link_local_unicast());
    }
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return !read_rule(event).is_ours();
    default:
      return false;
  }
}

class NetworkMonitorLinux final : public NetworkMonitor {
 public:
  NetworkMonitorLinux(
      NetlinkEvents events, unsigned ignored, NetworkSnapshot snapshot, TimePoint now)
      : events_(std::move(events)),
        ignored_(ignored),
        snapshot_(std::move(snapshot)),
        asleep_(time_asleep()),
        sleep_check_at_(now + kSleepCheckEvery) {}

  int poll_fd() const override { return events_.fd(); }
  bool polls() const override { return events_.polls(); }

  void on_readable(TimePoint now) override {
    // What exactly the messages say does not matter: a snapshot is compared once they have settled.
    // Losing some is therefore no loss.
    bool any = false;
    const bool whole = events_.drain([&](const NetlinkView& event) {
      if (matters(event, ignored_)) any = true;
    });
    if (!any && whole) return;
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
  NetlinkEvents events_;
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
  static constexpr std::array<int, 7> kGroups = {
      RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};
  auto events = NetlinkEvents::open(kGroups, "watch the network");
  if (!events) return events.error();
  auto snapshot = take_snapshot(ignored_index);
  if (!snapshot) return snapshot.error();
  return std::unique_ptr<NetworkMonitor>(std::make_unique<NetworkMonitorLinux>(
      *std::move(events), ignored_index, *std::move(snapshot), now));
}

}  // namespace aya::os
