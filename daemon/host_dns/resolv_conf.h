// The text of /etc/resolv.conf: what others wrote there, and what we write. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/netaddr/ip_address.h"

namespace aya::host_dns {

// What the host itself is configured with, without us: servers to forward to, domains to search.
struct Base {
  std::vector<IpAddress> nameservers;
  std::vector<std::string> search_domains;
  std::vector<std::string> options;  // "ndots:2"

  friend bool operator==(const Base&, const Base&) = default;
};

// Unknown lines are ignored; a zone ("fe80::1%eth0") makes a server unusable to a query that may
// leave by another interface.
Base parse_resolv_conf(std::string_view text);

// What the host's resolver is to be told.
struct Wanted {
  std::vector<IpAddress> nameservers;       // ours
  std::vector<std::string> search_domains;  // in front of the host's own; without final dot
  // Names that are ours to answer; everything else may stay with the host's own servers, where it
  // can keep them apart. Without final dot.
  std::vector<std::string> match_domains;
  bool all_names = false;  // every name comes to us

  friend bool operator==(const Wanted&, const Wanted&) = default;
};

// The file is ours from its first line on: who wrote it, and when the host was started that it ran
// on.
struct Marker {
  int pid = 0;
  std::string boot_id;

  friend bool operator==(const Marker&, const Marker&) = default;
};

// `was_there`: there was a file before, and `backup` holds it.
std::string render_resolv_conf(
    const Wanted& wanted, const Base& base, const Marker& marker, std::string_view backup,
    bool was_there);

// nullopt: somebody else's file. A text that only quotes our head somewhere is not ours.
std::optional<Marker> find_marker(std::string_view text);
// Of a text with our marker: there was no file before.
bool says_was_missing(std::string_view text);

// Who seems to have written a file, by the comments at its head; "" when nothing says so. Words
// for a person, but for the three that detection asks for.
inline constexpr std::string_view kOwnerResolved = "systemd-resolved";
inline constexpr std::string_view kOwnerNetworkManager = "NetworkManager";
inline constexpr std::string_view kOwnerResolvconf = "resolvconf";
std::string_view owner_of(std::string_view text);

}  // namespace aya::host_dns
