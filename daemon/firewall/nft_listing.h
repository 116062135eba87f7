// What `nft list` prints, as far as a person's question goes: what would this host's rules do to
// our traffic? Pure. The text form, since smaller systems have an nft without JSON. A listing may
// be cut off anywhere; what is not understood is passed over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aya::firewall {

struct NftChain {
  std::string family, table, name;
  std::string hook;                // "forward"; empty: no base chain
  bool drops = false;              // the policy of a base chain
  std::vector<std::string> rules;  // as printed

  // Some rule does something for packets of this interface.
  bool speaks_of(std::string_view interface) const;
};

std::vector<NftChain> parse_nft_listing(std::string_view text);

}  // namespace aya::firewall
