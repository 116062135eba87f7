// The firewall of a node: what it needs of the host's packet filter, and how that gets there and
// away again (os-integration 1.5 to 1.7, 1.9).
//
//   Plan             what is wanted, as values; this file
//   nft_script       Plan -> text for `nft -f -`: one table of ours, replaced in one transaction
//   iptables_script  Plan -> text for `iptables-restore`, where there is no nft
//   foreign          what other programs' rules would do to our traffic: rules to put there too,
//                    and what only a person can mend
//   backend          which of the two ways this host has; decided once
//   host_rules_link  carries a plan out, blocking; remove_all() undoes it without a daemon
//   firewall_link    the same for the loop: on a thread of its own, with a watch over the kernel
//
// The first five are pure. Which packets a peer may send is not decided here but in daemon/filter;
// here the host is told to let pass what was let pass there, to forward and translate it, and to
// keep others from writing packets that look like a peer's.
//
// Never in any form: a blanket drop of 100.64.0.0/10. Carriers and clouds live there, and so may
// this host's own uplink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/netaddr/prefix.h"

namespace aya::firewall {

enum class Mode : std::uint8_t {
  Off,       // the host's packet filter is not touched
  NoDivert,  // chains without hooks: the administrator jumps to them where he likes
  On,
};

// Marks of a packet as one value under a mask. `bypass` is that of our own sockets.
struct Marks {
  std::uint32_t mask = 0xff0000;
  std::uint32_t bypass = 0x80000;
  std::uint32_t forwarded = 0x40000;  // iptables only: seen on the way in, known on the way out

  friend bool operator==(const Marks&, const Marks&) = default;
};

// Machine for machine, a network under the addresses by which the mesh knows it. IPv4, of one size.
struct NetworkMap {
  Prefix offered, real;

  friend auto operator<=>(const NetworkMap&, const NetworkMap&) = default;
};

// Lists are sorted and without repetition.
struct Plan {
  Mode mode = Mode::Off;
  std::string tun;
  Marks marks;
  std::uint16_t listen_port = 0;     // UDP, where peers reach us
  std::vector<std::uint16_t> ports;  // UDP ports of all our own, marked sockets
  std::vector<IpAddress> self;       // own overlay addresses
  std::vector<IpAddress> peers;      // whose addresses nobody else may use as a source
  bool forwards = false;             // routes are offered: other nodes' traffic passes through
  bool masquerade = true;            // ... under an address of this host
  bool masquerade_v6 = true;         // false: the kernel cannot; IPv6 is then not forwarded at all
  bool only_answers = false;         // ... and towards the tunnel only what answers it
  std::vector<NetworkMap> maps;      // offered networks that are called otherwise here
  // Nothing of this host's own goes to everybody or to a group on its other links: routes cannot
  // say so, because the kernel's own tables are asked first.
  bool closes_lan = false;

  friend bool operator==(const Plan&, const Plan&) = default;
};

// The same apart from what sets hold: nothing but elements has to change.
bool same_rules(const Plan& a, const Plan& b);

// The kill switch, which outlives the daemon: nothing leaves this host but through the tunnel.
struct KillSwitch {
  std::string tun;
  Marks marks;
  std::vector<Prefix> lan;  // reachable all the same; empty: no access to the local network

  friend bool operator==(const KillSwitch&, const KillSwitch&) = default;
};

inline constexpr std::string_view kTable = "ayatori";
inline constexpr std::string_view kKillSwitchTable = "ayatori_ks";
// Rules of ours in chains that are not, by which they are found again.
inline constexpr std::string_view kComment = "ayatori";

// ---- how these values are written for either program

// "0x00080000"
std::string hex_mark(std::uint32_t mark);

// What is in one sorted list and not in the other.
template <class T>
std::vector<T> only_in(const std::vector<T>& list, const std::vector<T>& other);

}  // namespace aya::firewall

#include <algorithm>
#include <iterator>

template <class T>
std::vector<T> aya::firewall::only_in(const std::vector<T>& list, const std::vector<T>& other) {
  std::vector<T> out;
  std::ranges::set_difference(list, other, std::back_inserter(out));
  return out;
}
