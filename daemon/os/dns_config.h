// DnsConfig makes the host ask our resolver, and puts everything back (os-integration 1.9,
// "direct").
//
// Where the host's resolver can be configured per interface it should be; detect() says what is
// there. What is implemented is the way that works everywhere: /etc/resolv.conf is rewritten IN
// PLACE (network namespaces and containers bind-mount the file, so it cannot be renamed over), with
// 100.100.100.100 first and a marker line; the text before is kept in the state folder, so that a
// killed daemon's work is undone by the next start. A file that lost our marker belongs to whoever
// rewrote it: it is never restored over.
//
// One thread; blocks on the disk.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/ip_address.h"

namespace aya::os {

enum class DnsMode {
  Direct,   // /etc/resolv.conf is a plain file
  Missing,  // there is none: direct mode creates it
  SystemdResolved,
  NetworkManager,
  Openresolv,
  DebianResolvconf,
};
std::string_view to_text(DnsMode mode);

// From the text of resolv.conf (nullopt: no file). Pure.
DnsMode detect(const std::optional<std::string>& resolv_conf);

struct DnsWanted {
  std::vector<IpAddress> nameservers;       // ours
  std::vector<std::string> search_domains;  // in front of the host's own; without final dot

  friend bool operator==(const DnsWanted&, const DnsWanted&) = default;
};

// What the host itself was configured with: servers to forward to, domains to keep searching.
struct DnsBase {
  std::vector<IpAddress> nameservers;
  std::vector<std::string> search_domains;
  std::vector<std::string> options;  // "ndots:2"
};
DnsBase parse_resolv_conf(std::string_view text);  // pure; unknown lines are ignored

// The text direct mode writes. Pure.
std::string render_resolv_conf(
    const DnsWanted& wanted, const DnsBase& base, std::string_view marker);

class DnsConfig {
 public:
  struct Paths {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string backup;  // in the state folder: "<statedir>/resolv.conf.before"
  };

  // Undoes what an earlier run left (also after SIGKILL), then reads the host's configuration.
  static Result<DnsConfig, OsError> open(Paths paths);
  ~DnsConfig();  // restores
  DnsConfig(DnsConfig&& other) noexcept;
  DnsConfig& operator=(DnsConfig&&) = delete;

  DnsMode mode() const { return mode_; }
  const DnsBase& base() const { return base_; }

  Result<void, OsError> apply(const DnsWanted& wanted);
  Result<void, OsError> restore();  // idempotent

  // Call when the file may have changed (watch_fd() of the monitor, or a timer). True if somebody
  // else rewrote it: its content is the new base, and ours was put back. After three such fights in
  // five seconds the file is left alone and `trampled()` says so.
  Result<bool, OsError> recheck();
  bool trampled() const { return trampled_; }

 private:
  explicit DnsConfig(Paths paths) : paths_(std::move(paths)) {}
  Result<void, OsError> take_base();

  Paths paths_;
  DnsMode mode_ = DnsMode::Missing;
  DnsBase base_;
  std::optional<DnsWanted> applied_;
  unsigned fights_ = 0;
  bool trampled_ = false;
  std::chrono::steady_clock::time_point last_fight_{};
};

}  // namespace aya::os
