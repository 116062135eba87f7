#include "daemon/firewall/iptables_save.h"

#include <algorithm>

namespace aya::firewall {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

std::string_view unquoted(std::string_view word) {
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    word.remove_prefix(1);
    word.remove_suffix(1);
  }
  return word;
}

std::string_view value_after(std::string_view spec, std::string_view option) {
  const auto words = words_of(spec);
  const auto found = std::ranges::find(words, option);
  if (found == words.end() || found + 1 == words.end()) return {};
  return found[1];
}

// "RELATED,ESTABLISHED" and its like are lists in no order.
std::vector<std::string> sorted_words(std::string_view spec) {
  std::vector<std::string> out;
  for (const std::string_view word : words_of(spec)) {
    std::string sorted(unquoted(word));
    if (sorted == "RELATED,ESTABLISHED") sorted = "ESTABLISHED,RELATED";
    out.push_back(std::move(sorted));
  }
  std::ranges::sort(out);
  return out;
}

void read_rule(std::string_view line, SavedTable& into) {
  // Only with counters in front is a rule anything but "-A CHAIN ...".
  if (!line.starts_with("-A ")) return;
  line.remove_prefix(3);
  const std::string_view chain = line.substr(0, line.find(' '));
  if (chain.empty()) return;
  line.remove_prefix(std::min(chain.size() + 1, line.size()));
  into.rules.push_back({std::string(chain), std::string(line)});
}

void read_chain(std::string_view line, SavedTable& into) {
  const auto words = words_of(line.substr(1));
  if (words.size() >= 2) into.chains[std::string(words[0])] = words[1];
}

}  // namespace

bool SavedRule::has_comment(std::string_view word) const {
  return unquoted(value_after(spec, "--comment")) == word;
}

std::string_view SavedRule::target() const {
  const std::string_view jump = value_after(spec, "-j");
  return jump.empty() ? value_after(spec, "-g") : jump;
}

SavedTables parse_iptables_save(std::string_view text) {
  SavedTables out;
  SavedTable* table = nullptr;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('*')) {
      table = &out[std::string(line.substr(1))];
    } else if (table == nullptr) {
      continue;
    } else if (line.starts_with(':')) {
      read_chain(line, *table);
    } else {
      read_rule(line, *table);
    }
  }
  return out;
}

bool same_spec(std::string_view a, std::string_view b) {
  return a == b || sorted_words(a) == sorted_words(b);
}

}  // namespace aya::firewall
