// Keeps one UDP port of ours open on the gateway, by whichever of NAT-PMP, PCP and UPnP it speaks
// (nat-traversal 6). Pure: datagrams, answers and `now` go in; it says what to send, what to ask by
// UPnP and when the mapping changed. portmap_link owns the socket, upnp_link the waiting.
//
//   mapper.set_network({gateway, our address}, now, effects);     whenever the network changed
//   mapper.set_local_port(41641, now, effects);
//   mapper.want(now, effects);      often: starts an attempt where a mapping is missing
//   mapper.external(now);           the endpoint to advertise, if there is one
//
//   Idle --want--> Probing --heard--> AskingPmp | AskingPcp --refused, silent--> Searching
//    ^                                                                               v
//    '---------------- granted, or all failed ---------------------------------- AskingUpnp
//
// A mapping is renewed at half of its life without being asked to.
//
// An attempt begins with a probe unless the last ten minutes told what the gateway speaks. Only the
// default gateway is believed, and what it claims is a candidate for others to ping, no more.
//
// One thread. Neither copied nor moved.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/portmap/gateway_epoch.h"
#include "daemon/portmap/nat_pmp.h"
#include "daemon/portmap/pcp.h"
#include "daemon/portmap/upnp.h"
#include "proto/base/time.h"

namespace aya::portmap {

class PortMapper {
 public:
  struct Network {
    IpAddress gateway;  // IPv4 and private, or there is nothing to map
    IpAddress self;     // ours on the gateway's network
    friend bool operator==(const Network&, const Network&) = default;
  };

  enum class Protocol { Pmp, Pcp, Upnp };

  struct Mapping {
    Protocol protocol{};
    Endpoint external;
    TimePoint renew_at, valid_until;
  };

  struct Datagram {  // from a socket of its own, any port, outside the tunnel
    Endpoint to;
    Buffer bytes;
  };

  struct Effects {
    std::vector<Datagram> send;
    std::optional<UpnpTask> ask_upnp;  // its answer goes to on_upnp(), however late
    std::vector<UpnpHold> give_back;   // nobody waits for the answers
    bool changed = false;  // external() has another answer now: advertise it, ask STUN again
    bool probed = false;   // services() is complete
    void clear() { *this = {}; }
  };

  // What the gateway was heard to speak in the last ten minutes, whether or not it grants anything.
  struct Services {
    bool pmp = false, pcp = false, upnp = false;
    friend bool operator==(const Services&, const Services&) = default;
  };

  static constexpr Duration kProbeTime = 250ms;
  static constexpr Duration kLeastProbeTime = 50ms;
  static constexpr Duration kAnswerTime = 250ms;
  // A search allows two seconds for its answers, and some gateways take them. Nobody waits that
  // long, but an answer that finds nothing else achieved is still good.
  static constexpr Duration kLateAnswerTime = 3s;
  static constexpr Duration kRememberServices = 10min;
  static constexpr Duration kBackOff = 5min;    // after kMaxFailures on one gateway
  static constexpr Duration kRenewAgain = 30s;  // at least, after a renewal failed
  static constexpr int kMaxFailures = 5;
  static constexpr std::chrono::duration<std::uint32_t> kLifetime{7200};

  explicit PortMapper(Rng& rng);  // rng outlives this
  PortMapper(const PortMapper&) = delete;
  PortMapper& operator=(const PortMapper&) = delete;

  // nullopt: no network, or none with a gateway that could map. A mapping on another gateway, or
  // for another port, is given back as well as it can be; one on a network that is gone is
  // forgotten.
  void set_network(std::optional<Network> network, TimePoint now, Effects& out);
  void set_local_port(std::uint16_t port, TimePoint now, Effects& out);

  void want(TimePoint now, Effects& out);
  // For a network check: finds out what the gateway speaks. At once `probed` if that is known.
  void probe(TimePoint now, Effects& out);
  // Gives the mapping back, on exit.
  void release(TimePoint now, Effects& out);

  void receive(const Endpoint& from, Bytes datagram, TimePoint now, Effects& out);
  void on_upnp(const UpnpAnswer& answer, TimePoint now, Effects& out);

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  // Where hosts on the Internet reach the local port. Not given behind a second NAT.
  std::optional<Endpoint> external(TimePoint now) const;
  const std::optional<Mapping>& mapping() const { return mapping_; }  // also behind a second NAT
  bool behind_second_nat() const;
  Services services(TimePoint now) const;

 private:
  struct Gateway {  // a place to find a description of the gateway
    GatewayUrl url;
    bool version_2 = false;
  };
  enum class Step { Idle, Probing, AskingPmp, AskingPcp, Searching, AskingUpnp };

  void forget(bool give_back, TimePoint now, Effects& out);
  void begin(TimePoint now, Effects& out);
  void start_probe(TimePoint now, Effects& out);
  void end_probe(TimePoint now, Effects& out);
  void maybe_end_probe_early(TimePoint now, Effects& out);
  void ask_by(Protocol protocol, TimePoint now, Effects& out);
  void ask_pmp(TimePoint now, Effects& out);
  void ask_pcp(TimePoint now, Effects& out);
  void ask_upnp_or_search(TimePoint now, Effects& out);
  void ask_upnp(Effects& out);
  void try_next(Protocol failed, TimePoint now, Effects& out);
  void enter(Step step, TimePoint until);

  void on_pmp(const PmpAnswer& answer, TimePoint now, Effects& out);
  void on_pcp(const PcpHeader& header, Bytes datagram, TimePoint now, Effects& out);
  void on_ssdp(const Endpoint& from, std::string_view text, TimePoint now, Effects& out);
  void on_restart(Protocol protocol, Effects& out);

  void grant(
      Protocol protocol, const Endpoint& external, Duration lifetime, TimePoint now, Effects& out);
  void fail(TimePoint now, Effects& out);
  void drop_mapping(Effects& out);

  bool heard_lately(const std::optional<TimePoint>& heard, TimePoint now) const;
  PcpMapRequest pcp_request(std::chrono::duration<std::uint32_t> lifetime) const;
  void send_to_gateway(Bytes datagram, Effects& out) const;
  void send_search(TimePoint now, Effects& out);

  Rng& rng_;
  std::optional<Network> network_;
  std::uint16_t local_port_ = 0;

  std::optional<Mapping> mapping_;
  std::uint16_t last_external_port_ = 0;  // suggested again
  PcpNonce pcp_nonce_{};                  // for this gateway and local port

  // What is known of the gateway.
  std::optional<TimePoint> pmp_heard_, pcp_heard_, upnp_heard_;
  GatewayEpoch pmp_epoch_, pcp_epoch_;
  std::vector<Gateway> gateways_;
  std::optional<TimePoint> upnp_unusable_until_;
  std::optional<TimePoint> searched_at_;  // by the attempt that failed last, or goes on
  bool address_mismatch_ = false;         // PCP sees another NAT between us

  // The attempt in progress.
  Step step_ = Step::Idle;
  std::optional<TimePoint> step_ends_;
  TimePoint step_began_{};
  bool for_mapping_ = false;  // the probe is the beginning of an attempt
  bool report_probe_ = false;
  std::optional<IpAddress> pmp_address_;
  std::optional<PmpMapping> pmp_mapping_;
  std::uint64_t last_task_ = 0;
  std::optional<UpnpHold> held_;  // of the mapping, if it is by UPnP

  std::optional<TimePoint> probed_at_;
  int failures_ = 0;
  std::optional<TimePoint> not_before_;  // the back-off
};

}  // namespace aya::portmap
