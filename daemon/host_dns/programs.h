// The back ends that tell a program of the host and leave the rest to it: resolvconf of either
// kind, NetworkManager, OpenWrt's dnsmasq.
#pragma once

#include "daemon/host_dns/backend.h"

namespace aya::host_dns {

// Modes Openresolv and DebianResolvconf: a record of ours among those of other programs. openresolv
// can be told that ours is the only one; Debian's asks our server first, as it comes first.
class Resolvconf final : public Backend {
 public:
  Resolvconf(Places places, Mode flavour);

  Result<void, os::OsError> apply(const Wanted& wanted) override;
  Result<void, os::OsError> restore() override;
  const Base& base() const override { return base_; }
  void add_watches(Watch& watch) const override;
  Result<News, os::OsError> look() override;

 private:
  bool read_base();

  Places places_;
  Mode flavour_;
  Base base_;
  bool applied_ = false;
};
Result<void, os::OsError> remove_resolvconf_record(const std::string& link, Mode flavour);
// A record of ours is there, whoever left it.
bool has_resolvconf_record(const std::string& link);

// Mode NetworkManager: it tells systemd-resolved for us, and forgets it with the link.
class NetworkManager final : public Backend {
 public:
  NetworkManager(Places places, const Evidence& evidence);

  Result<void, os::OsError> apply(const Wanted& wanted) override;
  Result<void, os::OsError> restore() override;
  const Base& base() const override { return base_; }
  void add_watches(Watch&) const override {}
  Result<News, os::OsError> look() override { return News::None; }

 private:
  Places places_;
  Base base_;
  bool applied_ = false;
};

// Mode Dnsmasq: a file in the folder that is empty after every boot. dnsmasq reads such files only
// when it starts, so it is restarted, and only when the file has become another.
class Dnsmasq final : public Backend {
 public:
  Dnsmasq(Places places, const Evidence& evidence);

  Result<void, os::OsError> apply(const Wanted& wanted) override;
  Result<void, os::OsError> restore() override;
  const Base& base() const override { return base_; }
  void add_watches(Watch& watch) const override;
  Result<News, os::OsError> look() override;

 private:
  Places places_;
  std::string file_;
  Base base_;
  std::optional<std::string> written_;
};
std::string dnsmasq_file_in(const std::string& folder);
Result<void, os::OsError> remove_dnsmasq_file(const std::string& file);

}  // namespace aya::host_dns
