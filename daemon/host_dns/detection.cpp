#include "daemon/host_dns/detection.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/host_dns/resolv_conf.h"

namespace aya::host_dns {
namespace {

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

Decision by_resolved(const Evidence& evidence, std::string why) {
  if (evidence.network_manager_uses_resolved &&
      is_broken_network_manager(evidence.network_manager)) {
    return {
        Mode::NetworkManager,
        "NetworkManager " + evidence.network_manager + " would undo what systemd-resolved is told"};
  }
  return {Mode::Resolved, std::move(why)};
}

Decision directly(const Evidence& evidence, std::string why) {
  const std::string advice =
      "; names of the mesh resolve only where 100.100.100.100 is asked: point the host's resolver "
      "there, or run `ayatori set --accept-dns=false` to silence this";
  switch (evidence.access) {
    case Evidence::Access::Writable:
      return {Mode::Direct, std::move(why)};
    case Evidence::Access::ReadOnly:
      return {Mode::None, "/etc/resolv.conf is on a read-only file system" + advice};
    case Evidence::Access::Immutable:
      return {Mode::None, "/etc/resolv.conf is immutable (chattr +i)" + advice};
  }
  return {};
}

}  // namespace

std::string_view to_text(Mode mode) {
  switch (mode) {
    case Mode::None:
      return "none";
    case Mode::Direct:
      return "direct";
    case Mode::Resolved:
      return "systemd-resolved";
    case Mode::NetworkManager:
      return "network-manager";
    case Mode::Openresolv:
      return "openresolv";
    case Mode::DebianResolvconf:
      return "debian-resolvconf";
    case Mode::Dnsmasq:
      return "dnsmasq";
  }
  return "unknown";
}

bool splits(Mode mode) {
  return mode == Mode::Resolved || mode == Mode::NetworkManager || mode == Mode::Dnsmasq;
}

Decision decide(const Evidence& evidence) {
  if (!evidence.dnsmasq_folder.empty()) {
    return {Mode::Dnsmasq, "OpenWrt's dnsmasq reads " + evidence.dnsmasq_folder};
  }
  if (!evidence.resolv_conf) return directly(evidence, "there is no resolv.conf");
  // Who mounted it there also decides what the services of the bus, if any, are about: not us.
  if (evidence.mounted) return directly(evidence, "resolv.conf is a mount");

  const std::string& text = *evidence.resolv_conf;
  const std::string_view owner = owner_of(text);
  const bool asks_resolved = asks_only_resolved(text) || evidence.nss_resolve;
  if (owner == kOwnerResolved || owner == kOwnerNetworkManager) {
    if (asks_resolved && evidence.resolved_answers) {
      return by_resolved(evidence, "names are asked of systemd-resolved");
    }
    if (asks_resolved) return directly(evidence, "systemd-resolved does not answer on the bus");
    return directly(
        evidence, owner == kOwnerResolved ? "names are not asked of systemd-resolved"
                                          : "NetworkManager writes resolv.conf");
  }
  if (owner == kOwnerResolvconf) {
    if (contains(evidence.resolvconf, "openresolv")) {
      return {Mode::Openresolv, "openresolv writes resolv.conf"};
    }
    if (contains(evidence.resolvconf, "Debian resolvconf")) {
      return {Mode::DebianResolvconf, "Debian's resolvconf writes resolv.conf"};
    }
    // resolvectl under another name.
    if (contains(evidence.resolvconf, "systemd") && evidence.resolved_answers) {
      return by_resolved(evidence, "resolvconf is systemd-resolved");
    }
    return directly(evidence, "its writer resolvconf is not installed any more");
  }
  return directly(
      evidence,
      owner.empty() ? "nobody signed resolv.conf" : std::string(owner) + " writes resolv.conf");
}

bool resolve_comes_before_dns(std::string_view nsswitch) {
  while (!nsswitch.empty()) {
    const std::size_t end = std::min(nsswitch.find('\n'), nsswitch.size());
    std::string_view line = nsswitch.substr(0, end);
    nsswitch.remove_prefix(std::min(end + 1, nsswitch.size()));
    line = line.substr(0, line.find('#'));
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || !line.substr(begin).starts_with("hosts:")) continue;
    line.remove_prefix(begin + std::string_view("hosts:").size());
    while (!line.empty()) {
      const std::size_t word = line.find_first_not_of(" \t");
      if (word == std::string_view::npos) break;
      line.remove_prefix(word);
      const std::string_view name = line.substr(0, line.find_first_of(" \t["));
      if (name == "resolve") return true;
      if (name == "dns") return false;
      line.remove_prefix(std::max<std::size_t>(name.size(), 1));
    }
  }
  return false;
}

bool asks_only_resolved(std::string_view resolv_conf) {
  const auto servers = parse_resolv_conf(resolv_conf).nameservers;
  return !servers.empty() && std::ranges::all_of(servers, [](const IpAddress& server) {
    return server == IpAddress::v4(0x7f000035) || server == IpAddress::v4(0x7f000036);
  });
}

bool is_broken_network_manager(std::string_view version) {
  std::array<unsigned, 3> numbers{};
  for (unsigned& number : numbers) {
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), number);
    if (error != std::errc()) return false;
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    if (version.starts_with('.')) version.remove_prefix(1);
  }
  return numbers[0] == 1 && numbers[1] == 26 && numbers[2] <= 5;
}

}  // namespace aya::host_dns
