#include "daemon/firewall/nft_listing.h"

#include <algorithm>

namespace aya::firewall {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

// "type filter hook forward priority 0; policy drop;"
void read_hook(std::string_view line, NftChain& into) {
  const std::size_t hook = line.find(" hook ");
  if (hook == line.npos) return;
  std::string_view rest = line.substr(hook + 6);
  into.hook = take_word(rest);
  into.drops = line.find("policy drop") != line.npos;
}

}  // namespace

bool NftChain::speaks_of(std::string_view interface) const {
  const std::string quoted = '"' + std::string(interface) + '"';
  return std::ranges::any_of(rules, [&](const std::string& rule) {
    const bool lets_on = rule.find("accept") != rule.npos || rule.find("jump ") != rule.npos ||
                         rule.find("goto ") != rule.npos;
    return lets_on && rule.find(quoted) != rule.npos;
  });
}

std::vector<NftChain> parse_nft_listing(std::string_view text) {
  std::vector<NftChain> out;
  std::string family, table;
  // table > chain, set, map ... > what a rule or an element may open
  int depth = 0;
  bool in_chain = false;
  while (!text.empty()) {
    const std::string_view line = trimmed(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    std::string_view rest = line;
    if (line == "}") {
      depth = std::max(depth - 1, 0);
      if (depth < 2) in_chain = false;
    } else if (depth == 0 && line.starts_with("table ") && line.ends_with('{')) {
      take_word(rest);
      family = take_word(rest);
      table = take_word(rest);
      depth = 1;
    } else if (depth == 1 && line.ends_with('{')) {
      in_chain = take_word(rest) == "chain";
      if (in_chain) out.push_back({family, table, std::string(take_word(rest)), {}, false, {}});
      depth = 2;
    } else if (depth == 2 && in_chain && line.starts_with("type ")) {
      read_hook(line, out.back());
    } else if (depth == 2 && in_chain && !line.empty() && !line.starts_with("policy ")) {
      out.back().rules.emplace_back(line);
    }
  }
  return out;
}

}  // namespace aya::firewall
