// The kernel settings a router needs, and how the host gets its own back (os-integration 1.6).
// Pure; sysctl_link reads and writes them. Names are paths below /proc/sys: "net/ipv4/ip_forward".
//
// Where a host forwards IPv6 it stops listening to the routers around it, and loses its own way
// out: interfaces that listen now are told first to go on listening (accept_ra=2).
//
// What is changed is written down before: name, value before, value of ours. It is put back only
// where it still is what we made it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aya::firewall {

struct SysctlChange {
  std::string name, before, ours;

  bool is_v6() const { return name.starts_with("net/ipv6/"); }
  friend bool operator==(const SysctlChange&, const SysctlChange&) = default;
};

inline constexpr std::string_view kForward4 = "net/ipv4/ip_forward";
inline constexpr std::string_view kForward6 = "net/ipv6/conf/all/forwarding";
inline constexpr std::string_view kValidMark = "net/ipv4/conf/all/src_valid_mark";

// The value without its line end; nullopt: there is no such setting here.
using ReadSysctl = std::function<std::optional<std::string>(const std::string& name)>;

// What to write so that a family is forwarded, in this order; empty: it is already. `interfaces`
// are the names below net/ipv6/conf, "default" included.
std::vector<SysctlChange> to_forward_v4(const ReadSysctl& read);
std::vector<SysctlChange> to_forward_v6(
    const ReadSysctl& read, const std::vector<std::string>& interfaces);

// One change a line. What cannot be read is left out.
std::string encode(const std::vector<SysctlChange>& changes);
std::vector<SysctlChange> decode_sysctl_changes(std::string_view text);

// Lines for /etc/sysctl.d that make the same last.
std::string sysctl_lines(bool v4, bool v6);

}  // namespace aya::firewall
