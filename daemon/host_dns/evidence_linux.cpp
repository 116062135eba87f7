#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "daemon/host_dns/bus.h"
#include "daemon/host_dns/evidence.h"
#include "daemon/host_dns/files.h"
#include "daemon/host_dns/resolv_conf.h"
#include "daemon/os/owned_fd.h"

namespace aya::host_dns {
namespace {

constexpr int kPings = 5;  // of a service that is being started, a second each

bool is_immutable(const std::string& path) {
  const os::OwnedFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  int flags = 0;
  return fd && ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0;
}

// A link may be replaced whatever it leads to.
Evidence::Access access_to(const std::string& path, bool mounted, bool is_link) {
  const std::string folder = folder_of(path);
  struct statvfs info {};
  const bool known = ::statvfs((mounted ? path : folder).c_str(), &info) == 0;
  if (known && (info.f_flag & ST_RDONLY) != 0) return Evidence::Access::ReadOnly;
  if (is_immutable(folder) || (!is_link && is_immutable(path))) return Evidence::Access::Immutable;
  return Evidence::Access::Writable;
}

std::optional<std::uint64_t> mount_of(const std::string& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &info) != 0) return {};
  if ((info.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;  // Linux before 5.8
  return info.stx_mnt_id;
}

// nullopt on an older kernel: then the attempt to replace the file tells.
bool is_mount(const std::string& path) {
  const auto file = mount_of(path);
  return file && file != mount_of(folder_of(path));
}

bool ping_resolved() {
  return call({.service = "org.freedesktop.resolve1",
               .path = "/org/freedesktop/resolve1",
               .interface = "org.freedesktop.DBus.Peer",
               .method = "Ping",
               .values = {},
               .may_start_service = true})
      .has_value();
}

void gather_from_bus(Evidence& out) {
  out.network_manager = text_property(
      "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
      "org.freedesktop.NetworkManager", "Version");
  if (out.network_manager.empty()) return;
  out.network_manager_uses_resolved =
      text_property(
          "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager/DnsManager",
          "org.freedesktop.NetworkManager.DnsManager", "Mode") == "systemd-resolved";
}

std::string resolvconf_version() {
  const auto program = os::find_program("resolvconf");
  if (!program) return "";
  const auto done = os::run_child({*program, {"--version"}, {}, 2s});
  return done && done->succeeded() ? done->out : "";
}

// The folder that OpenWrt's generated configuration names: it has another name per instance since
// version 21.
std::string folder_of_dnsmasq() {
  constexpr std::string_view kOption = "conf-dir=";
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/var/etc", failed)) {
    if (!entry.path().filename().string().starts_with("dnsmasq.conf")) continue;
    const auto text = read_text(entry.path());
    if (!text || !*text) continue;
    std::string_view left = **text;
    while (!left.empty()) {
      const std::size_t end = std::min(left.find('\n'), left.size());
      std::string_view line = left.substr(0, end);
      left.remove_prefix(std::min(end + 1, left.size()));
      if (!line.starts_with(kOption)) continue;
      line.remove_prefix(kOption.size());
      return std::string(line.substr(0, line.find(',')));
    }
  }
  return "";
}

}  // namespace

Evidence gather(const Places& places) {
  Evidence out;
  // Being asked may start it, and it writes resolv.conf before it answers: so it is asked first.
  const bool bus = bus_is_there();
  out.resolved_answers = bus && ping_resolved();

  if (const auto kind = kind_of(places.resolv_conf)) out.link_target = kind->target;
  if (auto text = read_text(places.resolv_conf)) out.resolv_conf = std::move(*text);
  out.mounted = is_mount(places.resolv_conf);
  out.access = access_to(places.resolv_conf, out.mounted, !out.link_target.empty());
  if (const auto text = read_text(places.nsswitch); text && *text) {
    out.nss_resolve = resolve_comes_before_dns(**text);
  }
  // At boot it may take its time.
  const bool expected =
      out.resolv_conf && (out.nss_resolve || asks_only_resolved(*out.resolv_conf));
  for (int i = 1; bus && expected && !out.resolved_answers && i < kPings; ++i) {
    std::this_thread::sleep_for(200ms);
    out.resolved_answers = ping_resolved();
  }
  if (bus) gather_from_bus(out);
  if (out.resolv_conf && owner_of(*out.resolv_conf) == kOwnerResolvconf) {
    out.resolvconf = resolvconf_version();
  }
  out.dnsmasq_folder = openwrt_dnsmasq_folder();
  return out;
}

std::string openwrt_dnsmasq_folder() {
  if (::access("/etc/openwrt_release", F_OK) != 0 || !os::find_program("uci")) return "";
  return folder_of_dnsmasq();
}

}  // namespace aya::host_dns
