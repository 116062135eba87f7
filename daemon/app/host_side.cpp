#include "daemon/app/host_side.h"

#include <net/if.h>

#include <cerrno>
#include <utility>

#include "daemon/os/dhcp_servers.h"

namespace aya::app {

HostSide::HostSide(io::Loop& loop, PacketPool& pool, Logger& log)
    : loop_(loop),
      pool_(pool),
      log_(log),
      batch_(kBatch),
      monitor_timer_(loop, [this] { on_monitor_timer(); }),
      routes_timer_(loop, [this] { on_routes_timer(); }) {}

HostSide::~HostSide() = default;

Result<std::unique_ptr<HostSide>, os::OsError> HostSide::open(
    io::Loop& loop, PacketPool& pool, Logger& log, Config config) {
  std::unique_ptr<HostSide> side(new HostSide(loop, pool, log));
  side->tell_gone_ = std::move(config.on_interface_gone);
  side->mark_ = config.mark;
  side->dhcp_servers_ = os::read_dhcp_servers();

  auto tun = os::Tun::open({.name = config.tun_name, .mtu = config.mtu});
  if (!tun) return tun.error();
  side->tun_ = std::move(*tun);
  auto routes = os::Routes::open(side->tun_->index(), config.mark);
  if (!routes) return routes.error();
  side->routes_ = std::move(*routes);
  auto monitor = os::NetworkMonitor::open(side->tun_->index(), loop.now());
  if (!monitor) return monitor.error();
  side->monitor_ = std::move(*monitor);
  if (side->monitor_->polls()) {
    log.info("this host tells nobody of changes to its network: it is looked at every 10 s");
  }

  HostSide* raw = side.get();
  host_dns::Places places;
  places.state_dir = config.state_dir;
  places.link = config.tun_name;
  host_dns::HostDnsLink::News dns_news;
  dns_news.changed = [raw] {
    if (raw->owner_ != nullptr) raw->owner_->on_host_dns_change();
  };
  dns_news.settled = [raw] {
    if (raw->owner_ != nullptr) raw->owner_->on_host_dns_settled();
  };
  side->dns_.emplace(loop, log, std::move(places), std::move(dns_news));
  firewall::prepare_interface(side->tun_->name());
  side->firewall_.emplace(
      firewall::FirewallLink::Parts{loop, log}, std::move(config.firewall), [raw] {
        if (raw->owner_ != nullptr) raw->owner_->on_host_firewall_news();
      });
  side->tun_watcher_.emplace(loop, side->tun_->poll_fd(), [raw] { raw->on_tun_readable(); });
  side->monitor_watcher_.emplace(loop, side->monitor_->poll_fd(), [raw] {
    raw->monitor_->on_readable(raw->loop_.now());
    raw->on_monitor_timer();
  });
  side->routes_watcher_.emplace(loop, side->routes_->poll_fd(), [raw] {
    raw->routes_->on_readable(raw->loop_.now());
    raw->on_routes_timer();
  });
  raw->on_monitor_timer();
  return side;
}

void HostSide::on_tun_readable() {
  const auto count = tun_->read(batch_, pool_);
  if (!count) return on_interface_gone(count.error());
  if (*count > 0 && owner_ != nullptr) owner_->on_host_packets(std::span(batch_).first(*count));
}

// Its addresses and routes went with it; the resolver file is given back by clear().
void HostSide::on_interface_gone(const os::OsError& why) {
  if (std::exchange(gone_, true)) return;
  if (tell_gone_) tell_gone_(why);
}

void HostSide::write(std::span<const Packet> packets) {
  // What the host does not take is dropped and counted by the interface.
  if (const auto written = tun_->write(packets); !written) {
    log_.debug("cannot write to the interface", {{"why", written.error().message()}});
  }
}

void HostSide::apply_routes(const os::RouteConfig& wanted) {
  if (gone_) return;
  if (const auto applied = routes_->apply(wanted); !applied) {
    // Taken away a moment ago: reading from it says so in better words.
    const bool has_gone =
        applied.error().code == ENODEV && ::if_nametoindex(tun_->name().c_str()) == 0;
    if (has_gone) return;
    log_.error("addresses or routes are incomplete", {{"why", applied.error().message()}});
  }
}

void HostSide::apply_dns(const std::optional<host_dns::Wanted>& wanted) {
  if (wanted) return dns_->apply(*wanted);
  dns_->restore(host_dns::HostDnsLink::Wait::No);
}

void HostSide::clear() {
  dns_->restore(host_dns::HostDnsLink::Wait::Yes);
  apply_routes({});
  apply_firewall({});
}

void HostSide::on_monitor_timer() {
  const auto change = monitor_->advance(loop_.now());
  if (change) dhcp_servers_ = os::read_dhcp_servers();
  if (change && owner_ != nullptr) owner_->on_network_change(*change);
  monitor_timer_.arm(monitor_->next_deadline());
}

void HostSide::on_routes_timer() {
  const auto repaired = gone_ ? false : routes_->advance(loop_.now());
  if (!repaired) {
    log_.error("cannot put routes back", {{"why", repaired.error().message()}});
  } else if (*repaired) {
    log_.info("another program had taken routes or rules of ours away: they are back");
  }
  routes_timer_.arm(routes_->next_deadline());
}

}  // namespace aya::app
