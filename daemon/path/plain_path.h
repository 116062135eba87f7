// Which of its endpoints the packets of a peer without DISCO take: one that speaks plain WireGuard
// and knows no relay (nat-traversal 4.12).
//
// Nothing proves such a path but packets of the peer: where they come from is the path for a while.
// Until some come, and when they stop, the endpoint that is nearest by ICMP echo is taken, or any
// one while none has answered. Asking costs nobody anything: it happens only where there is a
// choice, and only while there is something to send.
#pragma once

#include <vector>

#include "daemon/path/constants.h"
#include "proto/base/rng.h"
#include "proto/netaddr/endpoint.h"

namespace aya::path {

class PlainPath {
 public:
  void set_endpoints(const std::vector<Endpoint>& endpoints);
  // Another network: what was found out there does not hold here.
  void forget();

  // Before packets go out. Hosts to be asked how far they are are appended to `ask`.
  void note_traffic(TimePoint now, Rng& rng, std::vector<IpAddress>& ask);
  void on_heard(const Endpoint& from, TimePoint now);
  void on_echo(const IpAddress& from, Duration latency);
  void on_unreachable(const Endpoint& at);

  // Where packets go; nullopt: nowhere is known.
  std::optional<Endpoint> at() const;
  bool trusted(TimePoint now) const { return trusted_until_ && now <= *trusted_until_; }
  Duration latency() const;  // zero: not known

 private:
  struct Candidate {
    Endpoint at;
    std::optional<Duration> latency;
    bool answered = false;  // since it was last asked
  };
  const Candidate* nearest() const;
  void ask_all(TimePoint now, std::vector<IpAddress>& ask);

  std::vector<Candidate> candidates_;
  std::optional<Endpoint> chosen_;
  std::optional<TimePoint> trusted_until_;  // no other choice before
  std::optional<TimePoint> asked_;
};

}  // namespace aya::path
