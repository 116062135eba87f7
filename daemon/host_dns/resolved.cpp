#include "daemon/host_dns/resolved.h"

#include <net/if.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "daemon/host_dns/bus.h"
#include "daemon/host_dns/files.h"
#include "daemon/host_dns/journal.h"
#include "daemon/host_dns/renderers.h"

namespace aya::host_dns {
namespace {

using os::OsError;

// All its uplink servers, those of links among them.
constexpr const char* kUplinks = "/run/systemd/resolve/resolv.conf";

bool says(const OsError& error, std::string_view words) {
  return error.message().find(words) != std::string::npos;
}

// What versions before 240 lack is what they do not do either.
bool may_be_unknown(const BusCall& call) {
  return call.method == "SetLinkDefaultRoute" || call.method == "SetLinkDNSOverTLS";
}

Result<void, OsError> make_calls(const std::vector<BusCall>& calls) {
  for (const BusCall& each : calls) {
    const auto done = call(each);
    if (done) continue;
    if (may_be_unknown(each) && says(done.error(), "nknown method")) continue;
    return done.error();
  }
  return {};
}

// Readable when the process behind the name has ended. Nothing where the kernel is older than 5.3
// or the process is in a place we do not see: then a restart is not noticed.
os::OwnedFd process_of_resolved() {
  const auto answer = call(
      {.service = "org.freedesktop.DBus",
       .path = "/org/freedesktop/DBus",
       .interface = "org.freedesktop.DBus",
       .method = "GetConnectionUnixProcessID",
       .values = {"s", "org.freedesktop.resolve1"}});
  if (!answer) return {};
  const std::string text = value_of(*answer);
  int pid = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), pid).ec != std::errc()) return {};
  return os::OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool has_ended(const os::OwnedFd& process) {
  pollfd fd{process.get(), POLLIN, 0};
  return process && ::poll(&fd, 1, 0) == 1;
}

}  // namespace

Resolved::Resolved(Places places) : places_(std::move(places)) { read_base(); }

bool Resolved::read_base() {
  const auto text = read_text(kUplinks);
  if (!text || !*text) return false;  // it is being restarted
  Base base = parse_resolv_conf(**text);
  if (applied_) {
    const auto is_ours = [&](const auto& list, const auto& one) {
      return std::ranges::find(list, one) != list.end();
    };
    std::erase_if(
        base.nameservers, [&](const auto& one) { return is_ours(applied_->nameservers, one); });
    std::erase_if(base.search_domains, [&](const auto& one) {
      return is_ours(applied_->search_domains, one);
    });
  }
  if (base == base_) return false;
  base_ = std::move(base);
  return true;
}

Result<void, OsError> Resolved::apply(const Wanted& wanted) {
  const int link = static_cast<int>(::if_nametoindex(places_.link.c_str()));
  if (link == 0) return os::last_error("find the interface " + places_.link);
  Journal journal;
  journal.mode = Mode::Resolved;
  journal.link = places_.link;
  if (auto noted = write_journal(places_.state_dir, journal); !noted) return noted;
  auto done = make_calls(resolved_calls(link, wanted, true));
  if (!done && says(done.error(), "Argument list too long")) {
    done = make_calls(resolved_calls(link, wanted, false));
  }
  if (!done) return done;
  applied_ = wanted;
  service_ = process_of_resolved();
  return {};
}

Result<void, OsError> Resolved::restore() {
  if (!applied_) return {};
  if (auto reverted = revert_resolved(places_.link); !reverted) return reverted;
  applied_.reset();
  service_ = {};
  return remove_journal(places_.state_dir);
}

void Resolved::add_watches(Watch& watch) const { watch.add_file(kUplinks); }

Result<Backend::News, OsError> Resolved::look() {
  if (applied_ && has_ended(service_)) {
    // Another may have taken its place, or will; being asked starts it where the bus can.
    if (auto again = apply(Wanted(*applied_)); !again) return News::NotYet;
  }
  return read_base() ? News::BaseChanged : News::None;
}

Result<void, OsError> revert_resolved(const std::string& link) {
  const int index = static_cast<int>(::if_nametoindex(link.c_str()));
  if (index == 0) return {};
  const auto reverted = call(resolved_revert(index));
  // A service that is not there remembers nothing of a link for us.
  if (!reverted && bus_is_there() && !says(reverted.error(), "not provided") &&
      !says(reverted.error(), "not found") && !says(reverted.error(), "not installed")) {
    return reverted.error();
  }
  (void)call(resolved_flush());
  return {};
}

}  // namespace aya::host_dns
