#include "daemon/host_dns/resolv_conf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "proto/base/words.h"

namespace aya::host_dns {
namespace {

constexpr std::string_view kHead = "# Written by ayatorid, pid ";
constexpr std::string_view kBoot = ", boot ";
constexpr std::string_view kMissing = "# There was no such file before";
constexpr std::string_view kBlanks = " \t\r";

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void add_line(std::string& out, std::string_view word, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out += word;
  for (const std::string& value : values) out += " " + value;
  out += '\n';
}

}  // namespace

Base parse_resolv_conf(std::string_view text) {
  Base out;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.starts_with('#') || line.starts_with(';')) continue;
    const auto words = words_in(line);
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") {
      if (const auto address = IpAddress::parse(words[1])) out.nameservers.push_back(*address);
    } else if (words[0] == "search" || words[0] == "domain") {
      out.search_domains.assign(words.begin() + 1, words.end());  // the last line counts
    } else if (words[0] == "options") {
      out.options.insert(out.options.end(), words.begin() + 1, words.end());
    }
  }
  return out;
}

std::string render_resolv_conf(
    const Wanted& wanted, const Base& base, const Marker& marker, std::string_view backup,
    bool was_there) {
  std::string out(kHead);
  out += std::to_string(marker.pid);
  out += std::string(kBoot) + marker.boot_id + "\n";
  if (was_there) {
    out += "# The file as it was: ";
    out += backup;
  } else {
    out += kMissing;
  }
  out += "\n# `ayatori down` or `ayatori set --accept-dns=false` puts that back.\n";
  for (const IpAddress& server : wanted.nameservers) out += "nameserver " + server.to_text() + "\n";
  std::vector<std::string> domains = wanted.search_domains;
  for (const std::string& domain : base.search_domains) {
    if (std::ranges::find(domains, domain) == domains.end()) domains.push_back(domain);
  }
  add_line(out, "search", domains);
  add_line(out, "options", base.options);
  return out;
}

std::optional<Marker> find_marker(std::string_view text) {
  std::string_view line = take_line(text);
  if (!line.starts_with(kHead)) return std::nullopt;
  line.remove_prefix(kHead.size());
  Marker out;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out.pid);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.starts_with(kBoot)) return std::nullopt;
  out.boot_id = line.substr(kBoot.size());
  return out;
}

bool says_was_missing(std::string_view text) {
  take_line(text);
  return text.starts_with(kMissing);
}

// Every program that owns the file signs it in its head comment. The first line that names one
// counts: Debian's resolvconf goes on to speak of systemd-resolved.
std::string_view owner_of(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kSigns{{
      {"systemd-resolved", kOwnerResolved},
      {"NetworkManager", kOwnerNetworkManager},
      {"resolvconf", kOwnerResolvconf},
      {"dhclient", "dhclient"},
      {"dhcpcd", "dhcpcd"},
      {"Connection Manager", "ConnMan"},
      {"netconfig", "netconfig"},
      {"tailscale", "tailscaled"},
      {"WSL", "WSL"},
      {"Docker", "Docker"},
      {"cloud-init", "cloud-init"},
  }};
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.find_first_not_of(kBlanks) == std::string_view::npos) continue;
    if (line.front() != '#' && line.front() != ';') break;
    for (const auto& [sign, owner] : kSigns) {
      if (line.find(sign) != std::string_view::npos) return owner;
    }
  }
  return "";
}

}  // namespace aya::host_dns
