// By which program this host's rules are written. Decided once, when the daemon starts, and logged:
// two programs that both write rules see only their own (os-integration 1.4). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::firewall {

enum class Backend { None, Nft, IptablesNft, IptablesLegacy, Iptables };

// "iptables-nft", in front of "-save" and "-restore"; "" for None, "nft" for Nft.
std::string_view program_of(Backend backend);

struct BackendFacts {
  std::string wish;  // "nftables", "iptables", "auto" or "": the setting NetfilterKind
  bool has_nft = false, has_iptables_nft = false, has_iptables_legacy = false, has_iptables = false;
  std::size_t nft_rules = 0;      // of others
  bool has_legacy_rules = false;  // the kernel holds tables of iptables-legacy with rules
};

struct BackendChoice {
  Backend backend = Backend::None;
  std::string why;                     // for the log
  std::optional<std::string> warning;  // for a person
};

BackendChoice choose(const BackendFacts& facts);

// How the coordinator is told: "nft-default", "ipt-forced", ... as clients name it.
std::string firewall_mode(Backend backend, std::string_view wish);

}  // namespace aya::firewall
