#include "daemon/netcheck/net_check.h"

#include <algorithm>

#include "daemon/netcheck/probe_plan.h"

namespace aya::netcheck {

void Effects::clear() {
  probes.clear();
  https.clear();
  endpoints_changed = false;
  finished.reset();
}

namespace {

// A probe set on its way: the tries not made yet, those without an answer, and the outcome.
struct RunningSet {
  ProbeSet plan;
  std::size_t next_try = 0;
  unsigned unanswered = 0;
  bool answered = false;

  bool tries_left() const { return !answered && next_try < plan.tries.size(); }
  bool hopeless() const { return next_try >= plan.tries.size() && unanswered == 0; }
  bool over() const { return answered || hopeless(); }
};

struct ProbeInFlight {
  std::size_t set = 0;
  TimePoint sent;
};

// One check, from its start to its report.
struct Check {
  TimePoint began;
  bool full = false;
  Report report;
  std::vector<RunningSet> sets;
  std::map<stun::TxId, ProbeInFlight> in_flight;
  TimePoint stun_until;
  std::vector<RegionId> https_waiting;
  bool https_asked = false;
  bool look_again = false;  // a probe could not be sent: advance() may have an end to find

  bool stun_over(TimePoint now) const {
    return now >= stun_until || std::ranges::all_of(sets, &RunningSet::over);
  }
  std::size_t planned_regions() const;
};

std::size_t Check::planned_regions() const {
  std::vector<RegionId> ids;
  for (const RunningSet& set : sets) ids.push_back(set.plan.region);
  std::ranges::sort(ids);
  return static_cast<std::size_t>(std::unique(ids.begin(), ids.end()) - ids.begin());
}

void keep_least(std::map<RegionId, Duration>& latencies, RegionId region, Duration latency) {
  const auto [at, fresh] = latencies.try_emplace(region, latency);
  if (!fresh) at->second = std::min(at->second, latency);
}

// Whether one more answer to this set would tell anything new.
bool would_help(const ProbeSet& set, const Report& report) {
  if (!report.region_latency.contains(set.region)) return true;
  if (set.ipv6) return report.region_v6_latency.empty();
  return !report.mapping_varies_by_dest_ip;
}

// True: an endpoint not seen in this check before.
bool note_mapped(const Endpoint& mapped, Report& report) {
  if (mapped.address.is_v6()) {
    report.global_v6 = mapped;
    return ++report.global_v6_seen[mapped] == 1;
  }
  if (!report.global_v4) {
    report.global_v4 = mapped;
  } else if (report.mapping_varies_by_dest_ip != true) {
    report.mapping_varies_by_dest_ip = mapped != *report.global_v4;
  }
  return ++report.global_v4_seen[mapped] == 1;
}

}  // namespace

class NetCheck::Core {
 public:
  explicit Core(Rng& random) : rng(random) {}

  void start(Scope scope, const HostNetwork& host, TimePoint now, Effects& out) {
    if (check) {
      // Several requests during one check are one more check.
      const bool full = scope == Scope::Full || (again && again->scope == Scope::Full);
      again = Again{full ? Scope::Full : Scope::Automatic, host};
      return;
    }
    next_check.reset();
    check.emplace();
    check->began = now;
    check->full = scope == Scope::Full || wants_full(now);
    check->stun_until = now + kStunLimit;
    check->report.os_has_ipv6 = host.os_has_ipv6;
    check->report.upnp = upnp;
    check->report.pmp = pmp;
    check->report.pcp = pcp;
    for (ProbeSet& set :
         check->full ? plan_full(map, host) : plan_incremental(map, host, *last, home.home())) {
      check->sets.push_back({std::move(set)});
    }
    advance(now, out);
  }

  bool wants_full(TimePoint now) const {
    if (!last || !last_full || now - *last_full > kFullReportEvery) return true;
    return !last->udp && last->captive_portal == true;
  }

  void advance(TimePoint now, Effects& out) {
    if (!check) return;
    check->look_again = false;
    for (std::size_t i = 0; i < check->sets.size(); ++i) send_due(i, now, out);
    ask_https_if_silent(now, out);
    finish_if_over(now, out);
  }

  void send_due(std::size_t index, TimePoint now, Effects& out) {
    RunningSet& set = check->sets[index];
    while (set.tries_left() && check->began + set.plan.tries[set.next_try].after <= now) {
      if (set.next_try > 0 && !would_help(set.plan, check->report)) {
        set.next_try = set.plan.tries.size();
        return;
      }
      const StunTarget& target = set.plan.tries[set.next_try++].target;
      ++set.unanswered;
      const auto tx_id = rng.array<12>();
      check->in_flight[tx_id] = {index, now};
      out.probes.push_back(
          {tx_id, set.plan.region, set.plan.ipv6, target.address, target.host, target.port,
           stun::make_request(tx_id)});
    }
  }

  void note_sent(const stun::TxId& tx_id, bool sent, TimePoint now) {
    if (!check) return;
    const auto found = check->in_flight.find(tx_id);
    if (found == check->in_flight.end()) return;
    RunningSet& set = check->sets[found->second.set];
    if (sent) {
      found->second.sent = now;
      (set.plan.ipv6 ? check->report.ipv6_can_send : check->report.ipv4_can_send) = true;
      return;
    }
    check->in_flight.erase(found);
    --set.unanswered;
    check->look_again = true;
  }

  bool on_stun(Bytes datagram, TimePoint now, Effects& out) {
    if (!check) return false;
    const auto response = stun::parse_response(datagram);
    if (!response) return false;
    const auto found = check->in_flight.find(response->tx_id);
    if (found == check->in_flight.end()) return false;
    const ProbeInFlight probe = found->second;
    check->in_flight.erase(found);
    note_answer(probe, *response, now, out);
    finish_if_over(now, out);
    return true;
  }

  void note_answer(
      const ProbeInFlight& probe, const stun::Response& response, TimePoint now, Effects& out) {
    RunningSet& set = check->sets[probe.set];
    --set.unanswered;
    set.answered = true;
    const RegionId region = set.plan.region;
    const Duration latency = now - probe.sent;
    Report& report = check->report;
    report.udp = true;
    (set.plan.ipv6 ? report.ipv6 : report.ipv4) = true;
    (set.plan.ipv6 ? report.ipv6_can_send : report.ipv4_can_send) = true;
    keep_least(report.region_latency, region, latency);
    keep_least(
        set.plan.ipv6 ? report.region_v6_latency : report.region_v4_latency, region, latency);
    if (note_mapped(response.mapped, report)) out.endpoints_changed = true;
    end_early(now);
  }

  // Enough regions have answered: those that are nearer than the slowest of them have had the time.
  void end_early(TimePoint now) {
    const auto& latencies = check->report.region_latency;
    const auto enough = std::min<std::size_t>(kEnoughRegions, check->planned_regions());
    if (latencies.size() < enough) return;
    Duration slowest{};
    for (const auto& [region, latency] : latencies) slowest = std::max(slowest, latency);
    const Duration more = check->full ? 2 * slowest : slowest;
    check->stun_until = std::min(check->stun_until, now + std::max(more, kEndEarlyAtLeast));
  }

  void ask_https_if_silent(TimePoint now, Effects& out) {
    if (check->https_asked || check->report.udp) return;
    if (now < check->began + kStunPatience && !check->stun_over(now)) return;
    check->https_asked = true;
    for (const RelayRegion& region : map.regions) {
      if (region.no_measure_no_home) continue;
      check->https_waiting.push_back(region.id);
      out.https.push_back({region.id});
    }
  }

  void note_https(RegionId region, std::optional<Duration> latency, TimePoint now, Effects& out) {
    if (!check || std::erase(check->https_waiting, region) == 0) return;
    // Says how far the relay is, and nothing about UDP.
    if (latency) keep_least(check->report.region_latency, region, *latency);
    finish_if_over(now, out);
  }

  void finish_if_over(TimePoint now, Effects& out) {
    if (!check) return;
    const bool late = now >= check->began + kOverallLimit;
    const bool over = check->report.udp ? check->stun_over(now)
                                        : check->https_asked && check->https_waiting.empty();
    if (!late && !over) return;
    Check done = std::move(*check);
    check.reset();
    done.report.at = now;
    done.report.preferred_relay = home.add(done.report, done.began, map.score);
    if (done.full) last_full = now;
    last = done.report;
    out.finished = std::move(done.report);
    const auto spread = static_cast<std::uint32_t>((kRecheckAtMost - kRecheckAtLeast) / 1ms);
    next_check = now + kRecheckAtLeast + rng.below(spread + 1) * 1ms;
  }

  void start_again(TimePoint now, Effects& out) {
    if (check || !again) return;
    const Again request = *again;
    again.reset();
    start(request.scope, request.host, now, out);
  }

  std::optional<TimePoint> next_deadline() const {
    if (!check) return std::nullopt;
    if (check->look_again) return check->began;
    TimePoint next = check->began + kOverallLimit;
    if (check->report.udp) next = std::min(next, check->stun_until);
    if (!check->report.udp && !check->https_asked) {
      next = std::min({next, check->stun_until, check->began + kStunPatience});
    }
    for (const RunningSet& set : check->sets) {
      if (set.tries_left())
        next = std::min(next, check->began + set.plan.tries[set.next_try].after);
    }
    return next;
  }

  static constexpr Duration kEndEarlyAtLeast =
      20ms;  // lets the other family of a near relay answer

  struct Again {
    Scope scope;
    HostNetwork host;
  };

  Rng& rng;
  RelayMap map;
  HomeChoice home;
  std::optional<Check> check;
  std::optional<Again> again;
  std::optional<Report> last;
  std::optional<TimePoint> last_full, next_check;
  std::optional<bool> upnp, pmp, pcp;
};

NetCheck::NetCheck(Rng& rng) : core_(std::make_unique<Core>(rng)) {}
NetCheck::~NetCheck() = default;

void NetCheck::set_map(RelayMap map) {
  const RegionId home = core_->home.home();
  const RelayRegion* before = core_->map.find(home);
  const RelayRegion* after = map.find(home);
  const bool home_changed = home != 0 && (!before || !after || *before != *after);
  if (home_changed) core_->home.forget_home();
  // Unknown regions deserve a look.
  if (home_changed || core_->map.regions != map.regions) core_->last_full.reset();
  core_->map = std::move(map);
}

void NetCheck::start(Scope scope, const HostNetwork& host, TimePoint now, Effects& out) {
  core_->start(scope, host, now, out);
}

bool NetCheck::running() const { return core_->check.has_value(); }

void NetCheck::note_sent(const stun::TxId& tx_id, bool sent, TimePoint now) {
  core_->note_sent(tx_id, sent, now);
}

bool NetCheck::on_stun(Bytes datagram, TimePoint now, Effects& out) {
  const bool ours = core_->on_stun(datagram, now, out);
  core_->start_again(now, out);
  return ours;
}

void NetCheck::note_https(
    RegionId region, std::optional<Duration> latency, TimePoint now, Effects& out) {
  core_->note_https(region, latency, now, out);
  core_->start_again(now, out);
}

void NetCheck::note_relay_frame(RegionId region, TimePoint now) {
  core_->home.note_frame(region, now);
}

void NetCheck::set_port_mapping(
    std::optional<bool> upnp, std::optional<bool> pmp, std::optional<bool> pcp) {
  core_->upnp = upnp;
  core_->pmp = pmp;
  core_->pcp = pcp;
}

void NetCheck::advance(TimePoint now, Effects& out) {
  core_->advance(now, out);
  core_->start_again(now, out);
}

std::optional<TimePoint> NetCheck::next_deadline() const { return core_->next_deadline(); }

std::optional<TimePoint> NetCheck::next_check_at() const { return core_->next_check; }

const std::optional<Report>& NetCheck::last() const { return core_->last; }

const Report& NetCheck::current() const {
  static const Report kNothing;
  if (core_->check) return core_->check->report;
  return core_->last ? *core_->last : kNothing;
}

}  // namespace aya::netcheck
