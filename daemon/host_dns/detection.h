// Which program of this host decides where names are asked, and so how to be asked ourselves
// (os-integration 1.9). Pure: from what evidence_linux.cpp found.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::host_dns {

enum class Mode {
  None,            // nothing can be changed; 100.100.100.100 answers whoever asks it
  Direct,          // /etc/resolv.conf is written
  Resolved,        // systemd-resolved is told what our link answers
  NetworkManager,  // its versions 1.26.0 to 1.26.5 undo what resolved is told, so they tell it
  Openresolv,      // `resolvconf` of either kind merges what programs tell it
  DebianResolvconf,
  Dnsmasq,  // OpenWrt's, by a file in its volatile folder
};
std::string_view to_text(Mode mode);
// Names of the mesh come to us and others stay where they are; elsewhere all come to us.
bool splits(Mode mode);

struct Evidence {
  enum class Access { Writable, ReadOnly, Immutable };

  std::optional<std::string> resolv_conf = {};  // its text; nullopt: no file
  std::string link_target = {};                 // of /etc/resolv.conf, where it is a symbolic link
  bool mounted = false;                         // the file itself is a mount, as in containers
  Access access = Access::Writable;  // of the file's folder; of the file where it is a mount
  bool nss_resolve = false;          // nsswitch.conf asks "resolve" before "dns"
  bool resolved_answers = false;     // on the bus
  std::string network_manager = {};  // its version; empty: not on the bus
  bool network_manager_uses_resolved = false;
  std::string resolvconf = {};  // what `resolvconf --version` says; empty: no such program
  // Where OpenWrt's dnsmasq reads further files; empty: no OpenWrt.
  std::string dnsmasq_folder = {};
};

struct Decision {
  Mode mode = Mode::None;
  std::string why;  // for the log; where the mode is None for a person, saying what to do

  friend bool operator==(const Decision&, const Decision&) = default;
};
Decision decide(const Evidence& evidence);

// "hosts:" of nsswitch.conf names "resolve" before "dns".
bool resolve_comes_before_dns(std::string_view nsswitch);
// All its servers are stubs of systemd-resolved: 127.0.0.53, and .54 since version 252.
bool asks_only_resolved(std::string_view resolv_conf);
// "1.26.3" and what distributions append.
bool is_broken_network_manager(std::string_view version);

}  // namespace aya::host_dns
