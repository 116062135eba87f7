#include "daemon/host_dns/watch.h"

#include <sys/inotify.h>

#include <array>
#include <cerrno>

#include "daemon/host_dns/files.h"

namespace aya::host_dns {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_MODIFY;

}  // namespace

Watch::Watch() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

void Watch::clear() {
  for (const auto& [watch, names] : names_) ::inotify_rm_watch(inotify_.get(), watch);
  names_.clear();
  drain();
}

void Watch::add_file(const std::string& path) { add(folder_of(path), name_of(path)); }
void Watch::add_mount(const std::string& path) { add(path, ""); }
void Watch::add_folder(const std::string& path) { add(path, ""); }

void Watch::add(const std::string& path, const std::string& name) {
  const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), kEvents);
  if (watch >= 0) names_[watch].insert(name);
}

bool Watch::drain() {
  bool ours = false;
  alignas(inotify_event) std::array<char, 16 * 1024> events;
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), events.data(), events.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return ours;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      const std::string name = event->len > 0 ? event->name : "";
      const auto found = names_.find(event->wd);
      // After an overflow anything may have happened.
      ours = ours || (event->mask & IN_Q_OVERFLOW) != 0 ||
             (found != names_.end() && (event->mask & IN_IGNORED) == 0 &&
              (found->second.contains("") || found->second.contains(name)));
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
}

}  // namespace aya::host_dns
