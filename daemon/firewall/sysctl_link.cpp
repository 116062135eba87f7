#include "daemon/firewall/sysctl_link.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "daemon/os/interfaces.h"
#include "daemon/os/owned_fd.h"
#include "daemon/state/state_file.h"

namespace aya::firewall {
namespace {

const std::string kRoot = "/proc/sys/";

std::optional<std::string> read_sysctl(const std::string& name) {
  const os::OwnedFd file(::open((kRoot + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 64> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  std::string out(text.data(), static_cast<std::size_t>(size));
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

Result<void, os::OsError> write_sysctl(const std::string& name, const std::string& value) {
  const std::string doing = "write " + value + " to " + kRoot + name;
  const os::OwnedFd file(::open((kRoot + name).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return os::last_error(doing);
  if (::write(file.get(), value.data(), value.size()) < 0) return os::last_error(doing);
  return {};
}

std::vector<std::string> ipv6_interfaces() {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(
      ::opendir((kRoot + "net/ipv6/conf").c_str()), &::closedir);
  if (!folder) return out;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  std::ranges::sort(out);
  return out;
}

// Containers and virtual machines whose packets this host forwards: their programs found forwarding
// on when they started, and count on it.
bool somebody_else_forwards() {
  const auto networks = os::take_snapshot(0);
  return networks && std::ranges::any_of(networks->interfaces, [](const os::Interface& one) {
           return one.up && (one.is_container_plumbing() || one.name.starts_with("virbr"));
         });
}

}  // namespace

Sysctls::Sysctls(std::string record) : record_(std::move(record)) {
  const auto text = state::read_file(record_);
  if (text && *text) made_ = decode_sysctl_changes(**text);
}

Result<void, os::OsError> Sysctls::forward(const Forwarding& wanted) {
  changed_ = false;
  if (!wanted.v4) give_back(false);
  if (!wanted.v6) give_back(true);
  std::optional<os::OsError> first;
  if (wanted.v4) {
    if (auto done = make(to_forward_v4(read_sysctl)); !done) first = done.error();
  }
  if (wanted.v6) {
    auto done = make(to_forward_v6(read_sysctl, ipv6_interfaces()));
    if (!done && !first) first = done.error();
  }
  if (first) return *first;
  return {};
}

// On record before it happens: who is killed in between has nothing to undo, which is harmless.
Result<void, os::OsError> Sysctls::make(const std::vector<SysctlChange>& changes) {
  if (changes.empty()) return {};
  for (const SysctlChange& change : changes) {
    const bool known = std::ranges::any_of(
        made_, [&](const SysctlChange& made) { return made.name == change.name; });
    if (!known) made_.push_back(change);
  }
  if (auto saved = save(); !saved) return saved.error();
  changed_ = true;
  for (const SysctlChange& change : changes) {
    if (auto done = write_sysctl(change.name, change.ours); !done) return done.error();
  }
  return {};
}

// Last made first: forwarding ends before an interface listens to routers as before.
void Sysctls::give_back(bool v6) {
  const bool any =
      std::ranges::any_of(made_, [v6](const SysctlChange& change) { return change.is_v6() == v6; });
  if (!any) return;
  const bool needed = somebody_else_forwards();
  for (auto change = made_.rbegin(); change != made_.rend(); ++change) {
    if (change->is_v6() != v6 || needed) continue;
    // An interface that is gone took its settings along.
    if (read_sysctl(change->name) == change->ours) {
      (void)write_sysctl(change->name, change->before);
    }
  }
  std::erase_if(made_, [v6](const SysctlChange& change) { return change.is_v6() == v6; });
  (void)save();  // otherwise the next start finds nothing that still is ours
}

Result<void, os::OsError> Sysctls::save() const {
  if (made_.empty()) {
    if (::unlink(record_.c_str()) != 0 && errno != ENOENT) {
      return os::last_error("remove " + record_);
    }
    return {};
  }
  if (auto saved = state::write_file_atomically(record_, encode(made_)); !saved) {
    return os::OsError{0, "write " + record_, saved.error().message()};
  }
  return {};
}

Result<void, os::OsError> give_back_sysctls(const std::string& record) {
  return Sysctls(record).forward({});
}

void respect_marks_on_the_way_in() {
  if (read_sysctl(std::string(kValidMark)) == "0") {
    (void)write_sysctl(std::string(kValidMark), "1");
  }
}

void prepare_interface(const std::string& name) {
  (void)write_sysctl("net/ipv4/conf/" + name + "/rp_filter", "0");
  (void)write_sysctl("net/ipv6/conf/" + name + "/accept_ra", "0");
}

}  // namespace aya::firewall
