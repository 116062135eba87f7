#include "daemon/firewall/backend.h"

namespace aya::firewall {
namespace {

Backend some_iptables(const BackendFacts& facts) {
  if (facts.has_legacy_rules && facts.has_iptables_legacy) return Backend::IptablesLegacy;
  if (facts.has_iptables_nft) return Backend::IptablesNft;
  if (facts.has_iptables) return Backend::Iptables;
  if (facts.has_iptables_legacy) return Backend::IptablesLegacy;
  return Backend::None;
}

BackendChoice none(std::string missing) {
  return {
      Backend::None, "no program",
      "There is no " + missing +
          ": without it this node writes no firewall rules. Install the package nftables, or run "
          "`ayatori set --netfilter-mode=off` and see to forwarding and translation yourself."};
}

}  // namespace

std::string_view program_of(Backend backend) {
  switch (backend) {
    case Backend::None:
      break;
    case Backend::Nft:
      return "nft";
    case Backend::IptablesNft:
      return "iptables-nft";
    case Backend::IptablesLegacy:
      return "iptables-legacy";
    case Backend::Iptables:
      return "iptables";
  }
  return "";
}

BackendChoice choose(const BackendFacts& facts) {
  const Backend iptables = some_iptables(facts);
  if (facts.wish == "iptables") {
    if (iptables == Backend::None) return none("iptables, which the setting NetfilterKind names");
    return {iptables, "chosen by setting", std::nullopt};
  }
  if (facts.wish == "nftables") {
    if (!facts.has_nft) return none("nft, which the setting NetfilterKind names");
    return {Backend::Nft, "chosen by setting", std::nullopt};
  }
  if (!facts.has_nft) {
    if (iptables == Backend::None) return none("nft and no iptables");
    return {iptables, "there is no nft", std::nullopt};
  }
  if (!facts.has_legacy_rules) return {Backend::Nft, "there is nft", std::nullopt};
  if (facts.nft_rules == 0 && facts.has_iptables_legacy) {
    return {
        Backend::IptablesLegacy, "this host's rules are those of iptables-legacy", std::nullopt};
  }
  return {
      Backend::Nft, "there are rules of nft and of iptables-legacy",
      "This host has firewall rules of both nftables and iptables-legacy; this node writes "
      "nftables. If iptables-legacy drops its traffic, see `iptables-legacy -S`, and better move "
      "those rules: `update-alternatives --set iptables /usr/sbin/iptables-nft`."};
}

std::string firewall_mode(Backend backend, std::string_view wish) {
  if (backend == Backend::None) return "none";
  const bool forced = wish == "nftables" || wish == "iptables";
  return std::string(backend == Backend::Nft ? "nft" : "ipt") + (forced ? "-forced" : "-default");
}

}  // namespace aya::firewall
