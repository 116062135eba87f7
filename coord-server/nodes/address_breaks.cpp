#include "coord-server/nodes/address_breaks.h"

#include <algorithm>

namespace aya::nodes {
namespace {

// What could make a longer address out of a shorter one.
bool goes_on(char c, bool v4) {
  const bool digit = c >= '0' && c <= '9';
  if (v4) return digit || c == '.';
  const char lower = static_cast<char>(c | 0x20);
  return digit || c == ':' || (lower >= 'a' && lower <= 'f');
}

bool holds(std::string_view line, const IpAddress& address) {
  const std::string text = address.to_text();
  for (std::size_t at = line.find(text); at != std::string_view::npos;
       at = line.find(text, at + 1)) {
    const std::size_t end = at + text.size();
    const bool begins = at == 0 || !goes_on(line[at - 1], address.is_v4());
    // "fd7a::1]:53" and "100.64.0.1:22" end where the address does.
    const bool ends = end == line.size() || !goes_on(line[end], address.is_v4());
    if (begins && ends) return true;
  }
  return false;
}

class Breaks {
 public:
  Breaks(const Registry& registry, const store::AddressChange& change)
      : registry_(registry), change_(change) {}

  std::vector<Break> run() {
    for (const store::AddressMove& move : change_.moves) look_at(move);
    return std::move(out_);
  }

 private:
  void look_at(const store::AddressMove& move) {
    const Node* node = registry_.find(move.node);
    const store::Account* account = registry_.account(change_.account);
    if (node == nullptr || account == nullptr) return;
    const std::string then = what_it_means(move);
    for (const std::size_t line : lines_with(account->policy, move.from)) {
      add(move, "policy",
          "policy line " + std::to_string(line) + " says " + move.from.to_text() + ", " + then);
    }
    for (const control::DnsRecord& record : account->dns.extra_records) {
      if (record.value != move.from.to_text()) continue;
      add(move, "dnsRecord",
          "DNS record " + record.name + " says " + move.from.to_text() + ", " + then);
    }
    for (const std::string& server : name_servers(*account)) {
      if (!holds(server, move.from)) continue;
      add(move, "nameserver", "name server " + server + " is " + move.from.to_text() + ", " + then);
    }
    if (node->record.label.empty()) return;
    add(move, "name",
        registry_.full_name(*node) + " leads to " + move.to.to_text() +
            "; programs that looked it up before may hold " + move.from.to_text() +
            " until they ask again, and files of hosts are theirs to change");
    const bool both = change_.grace_until.has_value();
    add(move, "connections",
        both ? "connections to " + move.from.to_text() + " last until " +
                   to_rfc3339(*change_.grace_until)
             : "connections to " + move.from.to_text() + " end");
  }

  // After a swap an old literal is worse than dead.
  std::string what_it_means(const store::AddressMove& left) const {
    const auto heir = std::ranges::find(change_.moves, left.from, &store::AddressMove::to);
    if (heir == change_.moves.end()) return "which no device has any more";
    const Node* node = registry_.find(heir->node);
    return "which is " + (node == nullptr ? "another device" : node->record.label) + " now";
  }

  static std::vector<std::string> name_servers(const store::Account& account) {
    std::vector<std::string> out;
    const auto add = [&](const std::vector<control::Resolver>& resolvers) {
      for (const control::Resolver& one : resolvers) out.push_back(one.addr);
    };
    add(account.dns.resolvers);
    add(account.dns.fallback_resolvers);
    for (const auto& [domain, resolvers] : account.dns.routes) add(resolvers);
    return out;
  }

  void add(const store::AddressMove& move, std::string kind, std::string text) {
    out_.push_back({std::move(kind), move.node, std::move(text)});
  }

  const Registry& registry_;
  const store::AddressChange& change_;
  std::vector<Break> out_;
};

}  // namespace

std::vector<Break> breaks_of(const Registry& registry, const store::AddressChange& change) {
  return Breaks(registry, change).run();
}

std::vector<std::size_t> lines_with(std::string_view text, const IpAddress& address) {
  std::vector<std::size_t> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (holds(text.substr(0, end), address)) out.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace aya::nodes
