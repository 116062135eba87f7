// A small internet in virtual time: hosts, NAT routers of every common temper, STUN servers and
// fake relays, with latency, loss, reordering, blocked UDP and routers that forget. Nothing happens
// but in advance(), and everything random comes from one seed, so a run repeats exactly.
//
//   VirtualNetwork net;
//   auto nat = net.add_nat(*IpAddress::parse("198.51.100.1"), NatKind::port_restricted());
//   auto host = net.add_host(*IpAddress::parse("192.168.1.2"), nat, on_datagram);
//   net.send({host, 41641}, peer, bytes);
//   net.advance(50ms);
//
// Behaviour under test is given as callbacks; they may call back into the network. Callbacks must
// stay valid as long as the network advances.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/base/time.h"
#include "proto/keys/public_key.h"
#include "proto/packet/path_address.h"

namespace aya::test {

struct NatKind {
  enum class Mapping { EndpointIndependent, EndpointDependent };
  enum class Filtering { EndpointIndependent, AddressDependent, AddressAndPortDependent };

  Mapping mapping = Mapping::EndpointIndependent;
  Filtering filtering = Filtering::AddressAndPortDependent;
  bool preserves_ports = true;  // where the port is free
  bool hairpins = false;
  Duration forgets_after = 30s;  // without traffic

  static NatKind full_cone() { return {.filtering = Filtering::EndpointIndependent}; }
  static NatKind restricted() { return {.filtering = Filtering::AddressDependent}; }
  static NatKind port_restricted() { return {}; }
  static NatKind hard() {
    return {.mapping = Mapping::EndpointDependent, .preserves_ports = false};
  }
};

class VirtualNetwork {
 public:
  using HostId = StrongId<struct HostTag>;
  using NatId = StrongId<struct NatTag>;
  struct Socket {
    HostId host;
    std::uint16_t port = 0;
  };
  // A datagram for `port` of the host.
  using OnDatagram = std::function<void(const Endpoint& from, std::uint16_t port, Bytes datagram)>;
  // Bytes that `from` sent through the relay.
  using OnRelayed = std::function<void(RegionId region, const NodePublicKey& from, Bytes bytes)>;

  struct Weather {
    double loss = 0;    // of UDP datagrams; relays are streams
    Duration spread{};  // added at random to each datagram's way: more than a gap reorders
  };

  explicit VirtualNetwork(std::uint64_t seed = 1) : random_(seed) {}

  // --- topology
  // ----------------------------------------------------------------------------------- `behind`:
  // the router whose inside it stands in; nullopt: the internet itself.
  NatId add_nat(const IpAddress& outside, NatKind kind, std::optional<NatId> behind = {});
  HostId add_host(
      const IpAddress& address, std::optional<NatId> behind, OnDatagram on_datagram,
      Duration latency = 10ms);  // one way, to the core of the internet
  void add_stun_server(const Endpoint& at);
  void add_relay(RegionId region, Duration latency = 10ms);
  // One connection per key and region; a second replaces the first.
  void join_relay(RegionId region, const NodePublicKey& key, HostId host, OnRelayed on_relayed);
  void leave_relay(RegionId region, const NodePublicKey& key);

  // --- what goes wrong
  // --------------------------------------------------------------------------------
  void set_weather(const Weather& weather) { weather_ = weather; }
  void block_udp(HostId host, bool blocked);
  // Nothing passes by UDP between the two, either way.
  void cut(HostId a, HostId b);
  void mend(HostId a, HostId b);
  // The router restarts: mappings are gone, and ports are no longer what they were.
  void restart_nat(NatId nat, std::optional<IpAddress> new_outside = {});
  void set_relay_up(RegionId region, bool up);
  void move_host(HostId host, const IpAddress& address, std::optional<NatId> behind);

  // --- traffic
  // ------------------------------------------------------------------------------------------
  void send(const Socket& from, const Endpoint& to, Bytes datagram);
  // Reliable and in order, as a stream is.
  void relay_send(RegionId region, const NodePublicKey& from, const NodePublicKey& to, Bytes bytes);

  // --- time
  // -----------------------------------------------------------------------------------------------
  TimePoint now() const { return now_; }
  void at(TimePoint when, std::function<void()> what);
  void advance(Duration by);

  std::uint64_t datagrams_sent() const { return datagrams_sent_; }
  const IpAddress& address_of(HostId host) const { return hosts_[host.value].address; }

 private:
  using Place = std::optional<NatId>;

  struct Host {
    IpAddress address;
    Place place;
    OnDatagram on_datagram;
    Duration latency{};
    bool udp_blocked = false;
  };
  struct Mapping {
    Endpoint inside;
    std::optional<Endpoint> towards;  // endpoint-dependent mapping: this destination only
    std::uint16_t port = 0;
    std::set<Endpoint> contacted;
    TimePoint last_used;
  };
  struct Nat {
    IpAddress outside;
    NatKind kind;
    Place place;
    std::vector<Mapping> mappings;
    bool restarted = false;  // ports are drawn anew
  };
  struct Relay {
    Duration latency{};
    bool up = true;
    struct Client {
      HostId host;
      OnRelayed on_relayed;
    };
    std::map<NodePublicKey, Client> clients;
  };
  struct InFlight {
    HostId sender;
    Endpoint from, to;
    Buffer datagram;
  };

  void up(Place place, InFlight packet, Duration so_far);
  void down(Place place, InFlight packet);
  void arrive(HostId host, const InFlight& packet);
  void answer_stun(const InFlight& packet);
  const Host* host_at(Place place, const IpAddress& address, HostId* id) const;
  std::optional<NatId> nat_at(Place place, const IpAddress& address) const;

  Endpoint translate_out(Nat& nat, const Endpoint& inside, const Endpoint& to);
  std::optional<Endpoint> translate_in(Nat& nat, const Endpoint& from, std::uint16_t port);
  void forget_old_mappings(Nat& nat);
  std::uint16_t free_port(const Nat& nat, std::uint16_t wanted);
  bool is_cut(HostId a, HostId b) const;

  std::mt19937_64 random_;
  TimePoint now_ = TimePoint(1h);
  std::multimap<TimePoint, std::function<void()>> events_;
  std::vector<Host> hosts_;
  std::vector<Nat> nats_;
  std::set<Endpoint> stun_servers_;
  std::map<RegionId, Relay> relays_;
  std::set<std::pair<HostId, HostId>> cuts_;
  Weather weather_;
  std::uint64_t datagrams_sent_ = 0;
};

}  // namespace aya::test
