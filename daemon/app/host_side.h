// The host's side of the node: the TUN interface with its addresses and routes, the resolver file,
// the firewall, the watch over the host's other networks. Lives on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/firewall/firewall_link.h"
#include "daemon/host_dns/host_dns_link.h"
#include "daemon/os/marks.h"
#include "daemon/os/network_monitor.h"
#include "daemon/os/routes.h"
#include "daemon/os/tun.h"
#include "proto/io/fd_watcher.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::app {

class HostSide {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // A batch the host sends. What is taken is moved out of the span.
    virtual void on_host_packets(std::span<Packet> packets) = 0;
    virtual void on_network_change(const os::NetworkChange& change) = 0;
    virtual void on_host_firewall_news() = 0;  // other problems, or another way to write rules
    // The host's own resolver is another: upstream servers may be others now.
    virtual void on_host_dns_change() = 0;
    virtual void on_host_dns_settled() = 0;  // dns_settled() is true again
  };

  struct Config {
    std::string tun_name;
    unsigned mtu = 1280;
    std::string state_dir;  // remembers how the host's resolver is given back
    firewall::HostRules::Config firewall;
    os::BypassMark mark;  // of the daemon's own packets
    // The interface cannot be used any more, as when somebody deleted it. Called once.
    std::function<void(const os::OsError& why)> on_interface_gone;
  };

  static Result<std::unique_ptr<HostSide>, os::OsError> open(
      io::Loop& loop, PacketPool& pool, Logger& log, Config config);
  ~HostSide();  // gives everything back

  // Who gets packets and news; nullptr: nobody, and what the host sends is thrown away.
  void attach(Owner* owner) { owner_ = owner; }
  // Takes addresses, routes, resolver and firewall away; the interface stays.
  void clear();

  void write(std::span<const Packet> packets);
  // Logs what the system refuses; the next call tries again. What others take away comes back.
  void apply_routes(const os::RouteConfig& wanted);
  void apply_dns(  // nullopt gives the resolver back
      const std::optional<host_dns::Wanted>& wanted);

  const host_dns::State& dns() const { return dns_->state(); }
  // Whether the resolver is told what apply_dns() said last, or that failed.
  bool dns_settled() const { return dns_->is_settled(); }

  // What fails is told by firewall().problems(), and tried again.
  void apply_firewall(firewall::FirewallLink::Node node) { firewall_->set(std::move(node)); }
  // Until it is taken back: also over clear() and the end of the program.
  void set_kill_switch(const std::optional<firewall::KillSwitch>& wanted) {
    firewall_->set_kill_switch(wanted);
  }
  const firewall::FirewallLink& firewall() const { return *firewall_; }

  const os::BypassMark& mark() const { return mark_; }
  // As of the last change of networks.
  const std::vector<IpAddress>& dhcp_servers() const { return dhcp_servers_; }
  os::RouteAbilities route_abilities() const { return routes_->abilities(); }
  // Another program keeps taking our routing rules away.
  bool routes_contested() const { return routes_->is_contested(loop_.now()); }
  const os::NetworkSnapshot& networks() const { return monitor_->snapshot(); }
  const os::Tun& tun() const { return *tun_; }

 private:
  static constexpr std::size_t kBatch = 64;

  HostSide(io::Loop& loop, PacketPool& pool, Logger& log);
  void on_tun_readable();
  void on_interface_gone(const os::OsError& why);
  void on_monitor_timer();
  void on_routes_timer();

  io::Loop& loop_;
  PacketPool& pool_;
  Logger& log_;
  Owner* owner_ = nullptr;
  std::function<void(const os::OsError&)> tell_gone_;
  bool gone_ = false;
  std::unique_ptr<os::Tun> tun_;
  std::unique_ptr<os::Routes> routes_;
  std::optional<host_dns::HostDnsLink> dns_;
  std::unique_ptr<os::NetworkMonitor> monitor_;
  std::optional<firewall::FirewallLink> firewall_;
  os::BypassMark mark_;
  std::vector<IpAddress> dhcp_servers_;
  std::vector<Packet> batch_;
  std::optional<io::FdWatcher> tun_watcher_;
  std::optional<io::FdWatcher> monitor_watcher_;
  std::optional<io::FdWatcher> routes_watcher_;
  io::Timer monitor_timer_;
  io::Timer routes_timer_;
};

}  // namespace aya::app
