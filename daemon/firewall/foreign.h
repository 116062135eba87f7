// Other programs' rules (os-integration 1.7). A packet that our table accepts still goes through
// everybody else's: what drops there is dropped. Pure.
//
//   iptables' filter table   Docker's, ufw's, hand-made: our accepting rules go there too, with a
//                            comment by which they are found again, and come back when somebody
//                            rewrites the table
//   firewalld                the interface belongs into a zone; rules in its chains are refused
//   any other table          belongs to an administrator: he is told, with the command
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/firewall/iptables_script.h"
#include "daemon/firewall/nft_listing.h"

namespace aya::firewall {

// Text for `iptables-restore --noflush` that puts our rules where they are needed, and takes away
// those that are not any more; empty: all is as it should be. `filter`: the table of one family as
// saved.
std::string foreign_rules(const Plan& plan, const SavedTable& filter);

// Base chains that drop what they do not know, on the way of our traffic, and that foreign_rules()
// does not see to. `iptables_owns_filter`: the tables called filter are iptables' and were seen to.
// Rules have to be read before unsaid() can say anything.
std::vector<NftChain> dropping_chains(
    const std::vector<NftChain>& chains, const Plan& plan, bool iptables_owns_filter);

// What an administrator is to be told about such a chain, with its rules; nullopt: it knows our
// interface.
std::optional<std::string> unsaid(const NftChain& chain, const Plan& plan);

bool has_firewalld(const std::vector<NftChain>& chains);

}  // namespace aya::firewall
