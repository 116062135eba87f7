// The local interface of the daemon (interfaces 4): requests of the command line and of graphical
// front-ends in, answers and bus lines out. It knows every route, who may use it and what its
// mistakes are called; what a route is about, the LocalHost answers.
//
//   LocalApi api(host, rng, {.version = "0.1.0", .capability_version = 130, .own_uid = 0});
//   api.handle(exchange, request, caller, now, effects);   // answers, now or after ping_done(...)
//   link.write(effects); effects.clear();
//
// The link that owns the connections numbers exchanges, writes the effects, and says when a client
// has left (closed). Pure; one thread, the daemon's loop.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "daemon/localapi/bus.h"
#include "daemon/localapi/local_effects.h"
#include "daemon/localapi/local_host.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/http/message.h"

namespace aya::localapi {

// Who is at the other end of the socket.
struct Caller {
  std::optional<std::uint32_t> uid;  // absent: the system would not say, and they may only read
};

struct LocalApiOptions {
  std::string version;         // Notify.Version
  int capability_version = 0;  // the Tailscale-Cap header
  std::uint32_t own_uid = 0;   // the daemon's own user may write, like root
};

class LocalApi {
 public:
  // Both references outlive the object.
  LocalApi(LocalHost& host, Rng& rng, LocalApiOptions options);
  LocalApi(const LocalApi&) = delete;
  LocalApi& operator=(const LocalApi&) = delete;

  void handle(
      ExchangeId exchange, const http::Request& request, const Caller& caller, TimePoint now,
      LocalEffects& out);
  // The client left: late ends of the exchange are dropped, its watching stops.
  void closed(ExchangeId exchange);

  void ping_done(ExchangeId exchange, const local::PingResult& result, LocalEffects& out);
  // `report`: an object with the fields of interfaces 3.9.
  void netcheck_done(ExchangeId exchange, const local::RawJson& report, LocalEffects& out);
  // The end of exit_nodes() and check_internet(): the answer as it is.
  void later_done(ExchangeId exchange, const std::string& json, LocalEffects& out);

  void dns_query_done(
      ExchangeId exchange, const Result<local::DnsAnswer, DnsFailure>& outcome, LocalEffects& out);
  // Where it is connected, the effects have a pipe to it.
  void dial_done(ExchangeId exchange, const DialOutcome& outcome, LocalEffects& out);

  // Tells every watcher what changed: the set fields of `change`. Version and session are filled in
  // here. Prefs that were edited through a route are announced by it.
  void announce(const local::Notify& change, LocalEffects& out) { bus_.announce(change, out); }
  // Our own node goes to everyone at once; whole maps only to those who asked for them, at most one
  // in three seconds, and not in large networks.
  void net_map_changed(TimePoint now, LocalEffects& out) { bus_.net_map_changed(now, out); }

  void advance(TimePoint now, LocalEffects& out) { bus_.advance(now, out); }
  std::optional<TimePoint> next_deadline() const { return bus_.next_deadline(); }

  std::size_t watchers() const { return bus_.watchers(); }

 private:
  struct Call;
  struct Route;
  static const Route* find_route(std::string_view name);

  void dispatch(const Call& call);
  void note_reason(const http::Request& request, const Route& route);
  bool may_write(const Caller& caller) const;
  void answer(ExchangeId to, http::Response response, LocalEffects& out) const;
  void answer_text(const Call& call, int status, std::string_view text) const;
  void answer_json(const Call& call, int status, std::string_view json) const;
  void answer_map_part(const Call& call, const local::RawJson& part) const;  // empty: no map yet
  void announce_prefs(LocalEffects& out);
  void change_profile(const Call& call, const std::optional<std::string>& refused, int done);

  // One for each route that is built, named after it.
  void bug_report(const Call& call);
  void cert(const Call& call);
  void check_ip_forwarding(const Call& call);
  void check_internet(const Call& call);
  void check_prefs(const Call& call);
  void check_so_mark(const Call& call);
  void check_udp_gro(const Call& call);
  void daemon_logs(const Call& call);
  void debug(const Call& call);
  void derp_map(const Call& call);
  void dial(const Call& call);
  void dns_config(const Call& call);
  void dns_query(const Call& call);
  void drive(const Call& call);
  void exit_nodes(const Call& call);
  void file_targets(const Call& call);
  void files(const Call& call);
  void filter_matches(const Call& call);
  void filter_rules(const Call& call);
  void login_interactive(const Call& call);
  void logout(const Call& call);
  void internal_counters(const Call& call);
  void netcheck(const Call& call);
  void peer_by_id(const Call& call);
  void ping(const Call& call);
  void prefs(const Call& call);
  void profiles(const Call& call);
  void reload_config(const Call& call);
  void serve_config(const Call& call);
  void set_expiry_sooner(const Call& call);
  void set_use_exit_node_enabled(const Call& call);
  void shutdown(const Call& call);
  void start(const Call& call);
  void services(const Call& call);
  void status(const Call& call);
  void suggest_exit_node(const Call& call);
  void tka(const Call& call);
  void update_check(const Call& call);
  void dns_os_config(const Call& call);
  void user_metrics(const Call& call);
  void user_profile(const Call& call);
  void watch_ipn_bus(const Call& call);
  void whois(const Call& call);

  LocalHost& host_;
  LocalApiOptions options_;
  Bus bus_;
  // For ping_done, netcheck_done, dns_query_done, dial_done or later_done.
  std::set<ExchangeId> waiting_;
};

}  // namespace aya::localapi
