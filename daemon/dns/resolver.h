// Resolver answers for the names of the mesh ("MagicDNS"), from a table; it never asks anybody.
//
//   hosts            "alpha.tail.example." -> its overlay addresses
//   local domains    names below one of these are ours: what the table lacks does not exist
//   subdomain hosts  names below such a host get the host's addresses
//
// Everything else is somebody else's to answer: Outcome::Forward. PTR answers for every address in
// the table; ANY gives the first address; "magicdns.localhost-tailscale-daemon." is the resolver
// itself; "<a-b-c-d>-via-<site>." names a 4in6 site address (control 11.1); ".onion" never exists.
// A question in UTF-8 is answered like the same one in its ASCII form.
// Specified by tests/vectors/wire/dns_resolver.json. Pure; one thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/dns/dns_message.h"
#include "proto/base/time.h"

namespace aya::dns {

// The addresses the resolver itself has on every node (control 11.1).
inline constexpr IpAddress kServiceAddress4 = IpAddress::v4(0x64646464);  // 100.100.100.100
IpAddress service_address_6();                                            // fd7a:115c:a1e0::53

struct ResolverConfig {
  // Names are fully qualified: lower case with a final dot. Order of addresses matters.
  std::map<std::string, std::vector<IpAddress>, std::less<>> hosts;
  std::vector<std::string> local_domains;
  std::set<std::string, std::less<>> subdomain_hosts;

  friend bool operator==(const ResolverConfig&, const ResolverConfig&) = default;
};

// "64.100.in-addr.arpa." ... "127.100.in-addr.arpa." and the zone of the IPv6 range: local domains
// of every mesh that has MagicDNS on (control 6.8).
std::vector<std::string> overlay_reverse_zones();

enum class Outcome {
  Answered,  // the response is in `out`
  Forward,   // not ours
};

class Resolver {
 public:
  static constexpr std::uint32_t kTtlSeconds = 5;
  static constexpr std::uint32_t kNegativeTtlSeconds = 10;

  void configure(ResolverConfig config);
  const ResolverConfig& config() const { return config_; }

  enum class Transport { Udp, Stream };  // an answer by UDP longer than its asker takes is marked

  // `out` is replaced when answered. `now` becomes the serial of the zone.
  Outcome answer(
      Bytes query, WallTime now, Buffer& out, Transport transport = Transport::Udp) const;

 private:
  struct Found {
    enum class Kind { Addresses, Name, NoSuchName, NotImplemented, NotOurs } kind = Kind::NotOurs;
    std::optional<IpAddress> address;  // Addresses: none of the wanted type if absent
    std::string_view name;             // Name
    bool absence_counts = false;       // Addresses: the type is one we could have had
  };
  Found resolve_reverse(std::string_view name) const;
  Found resolve_name(std::string_view name, std::uint16_t type) const;
  std::optional<IpAddress> site_address(std::string_view name) const;
  Found not_in_table(std::string_view name) const;
  const std::vector<IpAddress>* addresses_of(std::string_view name) const;
  std::string_view name_of(const IpAddress& address) const;  // empty: unknown
  // The local domain that holds the name: of nested ones the one that was given first.
  std::optional<std::string_view> local_domain_of(std::string_view name) const;

  ResolverConfig config_;
  std::map<std::string, std::size_t, std::less<>> domains_;  // to the place in local_domains
  std::unordered_map<IpAddress, std::string> names_;
};

}  // namespace aya::dns
