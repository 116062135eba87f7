// The network check: asks the STUN servers of the relays what our address is, which relay is
// nearest and what the network blocks (nat-traversal 5).
//
// Pure. A check runs from start() until Effects::finished. The shell sends the probes from the
// WireGuard socket, hands every STUN datagram to on_stun(), and calls advance() by next_deadline():
//
//   check.start(Scope::Automatic, host, now, fx);
//   for (auto& probe : fx.probes) { resolve if needed; send; check.note_sent(probe.tx_id, ok, now);
//   } check.on_stun(datagram, now, fx); if (fx.endpoints_changed) ...   // answers are of use
//   before the check ends if (fx.finished) use(*fx.finished);
//
// If no UDP answer comes within kStunPatience, the check asks for HTTPS latencies (Effects::https)
// and ends when the shell has reported each by note_https(), or 5 s after its start.
//
// One thread; `rng` outlives it.
#pragma once

#include <memory>

#include "daemon/netcheck/home_choice.h"
#include "daemon/netcheck/relay_map.h"
#include "daemon/netcheck/report.h"
#include "proto/base/rng.h"
#include "proto/stun/binding.h"

namespace aya::netcheck {

inline constexpr Duration kOverallLimit = 5s;
inline constexpr Duration kStunLimit = 3s;
inline constexpr Duration kFullReportEvery = 5min;
inline constexpr unsigned kEnoughRegions = 3;
// Ours: silence for so long starts the HTTPS measurements, beside further waiting for STUN.
inline constexpr Duration kStunPatience = 1s;
// Periodic checks start uniformly within these after the previous one.
inline constexpr Duration kRecheckAtLeast = 20s;
inline constexpr Duration kRecheckAtMost = 26s;

enum class Scope {
  Automatic,  // full if there is no report yet or the last full one is 5 min old
  Full,
};

// What the host can do at the moment.
struct HostNetwork {
  bool has_ipv4 = true;
  bool has_ipv6 = false;
  bool os_has_ipv6 = false;  // could bind [::1]:0
};

struct Probe {
  stun::TxId tx_id{};
  RegionId region = 0;
  bool ipv6 = false;
  std::optional<IpAddress> address;  // nullopt: resolve `host` in that family first
  std::string host;
  std::uint16_t port = 0;
  std::array<std::byte, stun::kRequestSize> datagram{};
};

struct HttpsProbe {
  RegionId region = 0;
};

struct Effects {
  std::vector<Probe> probes;
  std::vector<HttpsProbe> https;   // GET /derp/latency-check on a TLS connection to each
  bool endpoints_changed = false;  // a public endpoint unseen in this check so far
  std::optional<Report> finished;

  void clear();
};

class NetCheck {
 public:
  explicit NetCheck(Rng& rng);
  ~NetCheck();
  NetCheck(const NetCheck&) = delete;
  NetCheck& operator=(const NetCheck&) = delete;

  // A new map takes effect with the next check. A changed or vanished home is forgotten.
  void set_map(RelayMap map);

  // While a check runs, a further start is remembered and runs when it has ended, once.
  void start(Scope scope, const HostNetwork& host, TimePoint now, Effects& out);
  bool running() const;

  // The probe left the host (its latency counts from here), or it could not: the system refused, or
  // the name has no address in that family. Arm the timer again afterwards.
  void note_sent(const stun::TxId& tx_id, bool sent, TimePoint now);
  // True: the datagram answered a probe of ours. Requests and stray answers are ignored.
  bool on_stun(Bytes datagram, TimePoint now, Effects& out);
  // nullopt: that region does not answer.
  void note_https(RegionId region, std::optional<Duration> latency, TimePoint now, Effects& out);
  // Any frame from that relay; keeps a live home from being left for a lost probe.
  void note_relay_frame(RegionId region, TimePoint now);
  // Results of others that belong into the report: port mapping, captive portal.
  void set_port_mapping(std::optional<bool> upnp, std::optional<bool> pmp, std::optional<bool> pcp);

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  // When the next periodic check is due, drawn after each one (20 to 26 s later). The shell starts
  // it while there are peers and the tunnel is not idle.
  std::optional<TimePoint> next_check_at() const;

  const std::optional<Report>& last() const;
  // What the running check has found, or the last report. For endpoints before the check ends.
  const Report& current() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace aya::netcheck
