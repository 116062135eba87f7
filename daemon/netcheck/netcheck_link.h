// Runs network checks: sends what NetCheck asks to be sent, resolves names where the map has no
// addresses, measures HTTPS where UDP is silent, and keeps the periodic checks going. The STUN
// datagrams leave from, and come back to, the socket that carries WireGuard: another socket would
// measure another mapping. Lives on the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "daemon/netcheck/net_check.h"
#include "proto/io/dial.h"
#include "proto/io/name_lookup.h"
#include "proto/io/timer.h"

namespace aya::netcheck {

class NetcheckLink {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // False: the system refused to send there.
    virtual bool send_stun(Bytes datagram, const Endpoint& to) = 0;
    // How to dial the region over TLS; nullopt: the map has no such region any more.
    virtual std::optional<io::DialTarget> relay_target(RegionId region) = 0;
    virtual HostNetwork host_network() = 0;
    virtual bool wants_periodic_checks() = 0;
    // current() is of use already: a public endpoint was seen, or the check has ended.
    virtual void on_netcheck_news() = 0;
    virtual void on_netcheck_finished(const Report& report) = 0;
  };

  // Owner and rng outlive the link. Owner's calls may come from within start() and on_stun().
  NetcheckLink(io::Loop& loop, Rng& rng, Owner& owner);
  ~NetcheckLink();

  void set_map(RelayMap map) { check_.set_map(std::move(map)); }
  void start(Scope scope);
  void stop();  // the node is down: no periodic checks until the next start
  bool running() const { return check_.running(); }
  bool on_stun(Bytes datagram);
  void note_relay_frame(RegionId region);
  const Report& current() const { return check_.current(); }
  const std::optional<Report>& last() const { return check_.last(); }

 private:
  struct Https;  // one measurement

  void carry_out();
  void send(const Probe& probe);
  void send_to(const Probe& probe, const IpAddress& address);
  void measure_https(RegionId region);
  void on_timer();

  io::Loop& loop_;
  Owner& owner_;
  NetCheck check_;
  Effects effects_;
  bool periodic_ = false;
  bool carrying_out_ = false;
  std::map<stun::TxId, std::unique_ptr<io::NameLookup>> lookups_;
  std::map<RegionId, std::unique_ptr<Https>> https_;
  io::Timer timer_;
};

}  // namespace aya::netcheck
