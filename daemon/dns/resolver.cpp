#include "daemon/dns/resolver.h"

#include <algorithm>

#include "daemon/dns/reverse_name.h"
#include "proto/idna/international_name.h"

namespace aya::dns {
namespace {

constexpr std::string_view kOwnName = "magicdns.localhost-tailscale-daemon.";
constexpr std::string_view kOnion = ".onion.";
constexpr std::string_view kNoParent = ".";

// Names under which site addresses may be asked for besides a mesh's own domains.
constexpr std::string_view kSiteParents[] = {".ts.net.", ".tailscale.net."};

// Service discovery asks for these below reverse zones; they are never ours (RFC 6763, 11).
constexpr std::string_view kBrowsePrefixes[] = {
    "b._dns-sd._udp.", "db._dns-sd._udp.", "r._dns-sd._udp.", "dr._dns-sd._udp.",
    "lb._dns-sd._udp."};

// What follows the first label; "." behind the last one.
std::string_view parent_of(std::string_view name) {
  const std::string_view rest = name.substr(name.find('.') + 1);
  return rest.empty() ? kNoParent : rest;
}

bool is(std::uint16_t type, Type wanted) { return type == static_cast<std::uint16_t>(wanted); }

bool asks_for_addresses(std::uint16_t type) {
  return is(type, Type::A) || is(type, Type::Aaaa) || is(type, Type::Any);
}

bool fits(const IpAddress& address, std::uint16_t type) {
  return is(type, Type::Any) || is(type, address.is_v4() ? Type::A : Type::Aaaa);
}

std::uint32_t serial_of(WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return static_cast<std::uint32_t>(seconds.count());
}

}  // namespace

IpAddress service_address_6() { return *IpAddress::parse("fd7a:115c:a1e0::53"); }

std::vector<std::string> overlay_reverse_zones() {
  std::vector<std::string> zones;
  for (int second = 64; second <= 127; ++second) {
    zones.push_back(std::to_string(second) + ".100.in-addr.arpa.");
  }
  zones.emplace_back("0.e.1.a.c.5.1.1.a.7.d.f.ip6.arpa.");
  return zones;
}

void Resolver::configure(ResolverConfig config) {
  config_ = std::move(config);
  // What could not be asked for cannot be answered either.
  std::erase_if(config_.hosts, [](const auto& host) { return !is_wire_name(host.first); });
  std::erase_if(config_.local_domains, [](const auto& name) { return !is_wire_name(name); });
  domains_.clear();
  for (const std::string& domain : config_.local_domains) {
    domains_.try_emplace(domain, domains_.size());
  }
  names_.clear();
  for (const auto& [name, addresses] : config_.hosts) {
    for (const IpAddress& address : addresses) names_.try_emplace(address, name);
  }
}

Outcome Resolver::answer(Bytes query, WallTime now, Buffer& out, Transport transport) const {
  const auto parsed = parse_query(query);
  if (!parsed) {
    write_format_error(query, out);
    return Outcome::Answered;
  }
  std::string name = to_lower(parsed->question.name);
  if (!idna::is_ascii(name)) name = idna::ascii_form(name).value_or(name);
  const std::uint16_t type = parsed->question.type;
  const Found found = is(type, Type::Ptr) ? resolve_reverse(name) : resolve_name(name, type);
  Rcode rcode = Rcode::Ok;
  if (found.kind == Found::Kind::NotOurs) return Outcome::Forward;
  if (found.kind == Found::Kind::NoSuchName) rcode = Rcode::NxDomain;
  if (found.kind == Found::Kind::NotImplemented) rcode = Rcode::NotImp;

  AnswerWriter writer(*parsed, rcode, out);
  if (found.address) writer.address(*found.address, kTtlSeconds);
  if (!found.name.empty()) writer.pointer(found.name, kTtlSeconds);
  const bool is_absent =
      found.kind == Found::Kind::NoSuchName || (found.absence_counts && !found.address);
  const auto zone = local_domain_of(name);
  if (is_absent && zone) writer.soa(*zone, serial_of(now), kNegativeTtlSeconds);
  if (transport == Transport::Udp) writer.flag_if_longer_than(udp_size_limit(query));
  return Outcome::Answered;
}

Resolver::Found Resolver::resolve_reverse(std::string_view name) const {
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (std::ranges::any_of(kBrowsePrefixes, starts)) return {};
  const auto address = parse_reverse_name(name);
  if (!address) return {};
  std::string_view found;
  if (const auto original = ipv4_of_image(*address)) found = name_of(*original);
  if (found.empty()) found = name_of(*address);
  if (found.empty()) return not_in_table(name);
  return {.kind = Found::Kind::Name, .address = {}, .name = found};
}

Resolver::Found Resolver::resolve_name(std::string_view name, std::uint16_t type) const {
  if (name.ends_with(kOnion)) return {.kind = Found::Kind::NoSuchName, .address = {}, .name = {}};
  Found found{
      .kind = Found::Kind::Addresses,
      .address = {},
      .name = {},
      .absence_counts = asks_for_addresses(type)};
  if (name == kOwnName && is(type, Type::A)) return found.address = kServiceAddress4, found;
  if (name == kOwnName && is(type, Type::Aaaa)) return found.address = service_address_6(), found;
  if (asks_for_addresses(type)) {
    if (const auto site = site_address(name)) {
      if (fits(*site, type)) found.address = site;
      return found;
    }
  }
  const auto* addresses = addresses_of(name);
  if (addresses == nullptr) return not_in_table(name);
  for (const Type refused : {Type::Ns, Type::Soa, Type::Axfr, Type::Hinfo}) {
    if (is(type, refused)) return {.kind = Found::Kind::NotImplemented, .address = {}, .name = {}};
  }
  const auto wanted = [&](const IpAddress& address) { return fits(address, type); };
  const auto first = std::ranges::find_if(*addresses, wanted);
  if (first != addresses->end()) found.address = *first;
  return found;
}

std::optional<IpAddress> Resolver::site_address(std::string_view name) const {
  const std::string_view label = name.substr(0, name.find('.'));
  const std::string_view below = name.substr(label.size());  // ".tail.example."
  const auto ends = [&](std::string_view parent) {
    return below.size() > parent.size() && below.ends_with(parent);
  };
  const bool is_place_for_sites =
      below == "." || std::ranges::any_of(kSiteParents, ends) || domains_.contains(parent_of(name));
  return is_place_for_sites ? parse_site_label(label) : std::nullopt;
}

Resolver::Found Resolver::not_in_table(std::string_view name) const {
  Found found;
  if (local_domain_of(name)) found.kind = Found::Kind::NoSuchName;
  return found;
}

const std::vector<IpAddress>* Resolver::addresses_of(std::string_view name) const {
  if (const auto host = config_.hosts.find(name); host != config_.hosts.end()) {
    return &host->second;
  }
  for (std::string_view parent = parent_of(name); parent != kNoParent; parent = parent_of(parent)) {
    if (!config_.subdomain_hosts.contains(parent)) continue;
    const auto host = config_.hosts.find(parent);
    if (host != config_.hosts.end()) return &host->second;
  }
  return nullptr;
}

std::string_view Resolver::name_of(const IpAddress& address) const {
  if (address == kServiceAddress4 || address == service_address_6()) return kOwnName;
  const auto found = names_.find(address);
  return found == names_.end() ? std::string_view() : found->second;
}

std::optional<std::string_view> Resolver::local_domain_of(std::string_view name) const {
  auto first = domains_.end();
  for (;; name = parent_of(name)) {
    const auto found = domains_.find(name);
    if (found != domains_.end() && (first == domains_.end() || found->second < first->second)) {
      first = found;
    }
    if (name == kNoParent) break;
  }
  if (first == domains_.end()) return std::nullopt;
  return first->first;
}

}  // namespace aya::dns
