// Listings of other programs' rules, and the record of sysctls: from whatever text, what we would
// write comes out as lines of ours, and a second look finds nothing to do.
#include <cstdint>
#include <string_view>

#include "daemon/firewall/foreign.h"
#include "daemon/firewall/iptables_script.h"
#include "daemon/firewall/nft_listing.h"
#include "daemon/firewall/sysctls.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya::firewall;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const SavedTables saved = parse_iptables_save(text);
  for (const auto& [name, table] : saved) {
    for (const SavedRule& rule : table.rules) AYA_CHECK(same_spec(rule.spec, rule.spec));
  }
  Plan plan;
  plan.mode = Mode::On;
  plan.tun = "ayatori0";
  plan.forwards = true;
  for (const auto& [name, table] : saved) (void)foreign_rules(plan, table);
  (void)iptables_removal(saved);
  (void)iptables_tables(plan, Family::V4, saved);

  for (const NftChain& chain : parse_nft_listing(text)) (void)unsaid(chain, plan);

  const auto changes = decode_sysctl_changes(text);
  AYA_CHECK(decode_sysctl_changes(encode(changes)) == changes);
  return 0;
}
