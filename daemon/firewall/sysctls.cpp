#include "daemon/firewall/sysctls.h"

#include <algorithm>

namespace aya::firewall {
namespace {

constexpr std::string_view kConf6 = "net/ipv6/conf/";

void change(
    std::vector<SysctlChange>& out, const ReadSysctl& read, std::string name, std::string ours) {
  const auto before = read(name);
  if (before && *before != ours) out.push_back({std::move(name), *before, std::move(ours)});
}

// A value or a name: one word of harmless characters. What is read back is written into files.
bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool may_be_ours(const SysctlChange& change) {
  const std::string_view name = change.name;
  if (name == kForward4 || name == kForward6) return change.ours == "1";
  return name.starts_with(kConf6) && name.ends_with("/accept_ra") && change.ours == "2" &&
         name.find("..") == std::string_view::npos;
}

}  // namespace

std::vector<SysctlChange> to_forward_v4(const ReadSysctl& read) {
  std::vector<SysctlChange> out;
  change(out, read, std::string(kForward4), "1");
  return out;
}

std::vector<SysctlChange> to_forward_v6(
    const ReadSysctl& read, const std::vector<std::string>& interfaces) {
  std::vector<SysctlChange> out;
  const auto all = read(std::string(kForward6));
  if (!all || *all == "1") return out;
  for (const std::string& interface : interfaces) {
    if (interface == "all" || interface == "lo") continue;
    const std::string conf = std::string(kConf6) + interface;
    const bool listens = read(conf + "/accept_ra") == "1" && read(conf + "/forwarding") == "0";
    if (listens) change(out, read, conf + "/accept_ra", "2");
  }
  change(out, read, std::string(kForward6), "1");
  return out;
}

std::string encode(const std::vector<SysctlChange>& changes) {
  std::string out;
  for (const SysctlChange& one : changes) {
    out += one.name + " " + one.before + " " + one.ours + "\n";
  }
  return out;
}

std::vector<SysctlChange> decode_sysctl_changes(std::string_view text) {
  std::vector<SysctlChange> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t first = line.find(' ');
    const std::size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
    if (second == line.npos) continue;
    SysctlChange one{
        std::string(line.substr(0, first)), std::string(line.substr(first + 1, second - first - 1)),
        std::string(line.substr(second + 1))};
    if (is_word(one.name) && is_word(one.before) && is_word(one.ours) && may_be_ours(one)) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::string sysctl_lines(bool v4, bool v6) {
  std::string out;
  if (v4) out += "net.ipv4.ip_forward = 1\n";
  if (v6) out += "net.ipv6.conf.all.forwarding = 1\n";
  return out;
}

}  // namespace aya::firewall
