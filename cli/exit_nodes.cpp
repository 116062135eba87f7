#include "cli/exit_nodes.h"

#include <algorithm>
#include <functional>
#include <array>
#include <map>

#include "cli/nodes.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using local::ExitNodes;
using local::PeerStatus;
using local::Status;

std::string full_name(const PeerStatus& node) {
  std::string_view name = node.dns_name;
  if (name.ends_with('.')) name.remove_suffix(1);
  return name.empty() ? printable(node.host_name) : printable(name);
}

bool starts_ignoring_case(std::string_view name, std::string_view with) {
  return name.size() >= with.size() && equal_ignoring_case(name.substr(0, with.size()), with);
}

std::vector<const PeerStatus*> beginning_with(const Status& status, std::string_view who) {
  std::vector<const PeerStatus*> found;
  for (const PeerStatus& peer : status.peers) {
    if (starts_ignoring_case(peer.dns_name, who) || starts_ignoring_case(peer.host_name, who)) {
      found.push_back(&peer);
    }
  }
  return found;
}

// Whole names first. Of nodes whose names only begin so, the one that may be an exit node is meant.
Result<const PeerStatus*, Failure> find_by_name(const Status& status, std::string_view who) {
  auto exact = find_node(status, who);
  const bool unknown = !exact && beginning_with(status, who).empty();
  if (exact || unknown || IpAddress::parse(who)) return exact;
  auto found = beginning_with(status, who);
  const bool any_may = std::ranges::any_of(found, &PeerStatus::exit_node_option);
  if (any_may) {
    std::erase_if(found, [](const PeerStatus* peer) { return !peer->exit_node_option; });
  }
  if (found.size() == 1) return found.front();
  std::string text = in_quotes(who) + " may mean";
  for (const PeerStatus* peer : found) text += " " + full_name(*peer);
  return Failure{Exit::NoSuchNode, text + "; use a full name or an address"};
}

std::optional<Failure> refusal(
    const Status& status, const ExitNodes& known, const PeerStatus& node) {
  if (&node == &status.self) {
    return Failure{
        Exit::BadArgument,
        "this machine cannot be its own exit node; to offer it to others: set "
        "--advertise-exit-node"};
  }
  if (node.exit_node_option) return std::nullopt;
  const auto offer = std::ranges::find(known.offers, node.id, &local::ExitNodeOffer::id);
  const std::string name = printable(node.display_name());
  if (offer == known.offers.end()) {
    return Failure{
        Exit::NoSuchNode,
        name + " does not offer to be an exit node; run there: ayatori set --advertise-exit-node"};
  }
  return Failure{
      Exit::NoSuchNode,
      name +
          " offers to be an exit node, but may not be one for this machine. An administrator has "
          "to approve it (ayatori-coord route approve " +
          name +
          " --exit-node), or the policy lacks a grant that lets this machine use it (to "
          "autogroup:internet)."};
}

}  // namespace

Result<ExitNodeChoice, Failure> choose_exit_node(
    const Status& status, const ExitNodes& known, std::string_view who) {
  if (who == "-" && known.previous.empty()) {
    return Failure{Exit::NoSuchNode, "no exit node was in use before"};
  }
  // It may be gone since; a person would rather hear it than be cut off.
  if (who == "-") who = known.previous;
  if (who.empty()) return ExitNodeChoice{};
  const auto found = find_by_name(status, who);
  if (found && !(*found)->tailscale_ips.empty()) {
    if (auto refused = refusal(status, known, **found)) return *std::move(refused);
    return ExitNodeChoice{(*found)->id, *found};
  }
  // A node may be called like one of these, and is meant then.
  if (who == "none" || who == "off") return ExitNodeChoice{};
  if (who == "auto") return ExitNodeChoice{"auto:any", nullptr};
  if (who.starts_with(local::kAutoExitNodePrefix)) return ExitNodeChoice{std::string(who), nullptr};
  // Nobody can tell who has an address before there is a map.
  const bool no_map = status.backend_state != local::BackendState::Running && status.peers.empty();
  if (no_map && IpAddress::parse(who)) return ExitNodeChoice{std::string(who), nullptr};
  if (!found) return found.error();
  return Failure{Exit::NoSuchNode, in_quotes(who) + " has no address"};
}

Result<local::ExitNodes, Failure> known_exit_nodes(Context& context, bool probe) {
  const auto answer = context.client.get(probe ? "exit-nodes?probe=true" : "exit-nodes");
  if (!answer) {
    // The stock daemon, which this program steers as well, does not know the question.
    if (answer.error().status == 404) return local::ExitNodes{};
    return context.failure(answer.error());
  }
  auto known = local::parse_exit_nodes(*answer);
  if (!known) return Failure{Exit::Failed, "the daemon's answer is not readable"};
  return *std::move(known);
}

std::vector<const PeerStatus*> exit_node_peers(const Status& status) {
  std::vector<const PeerStatus*> out;
  for (const PeerStatus* peer : sorted_peers(status)) {
    if (peer->exit_node_option) out.push_back(peer);
  }
  std::stable_partition(out.begin(), out.end(), std::mem_fn(&PeerStatus::online));
  return out;
}

std::string exit_node_title(const PeerStatus& node) {
  if (node.tailscale_ips.empty()) return full_name(node);
  return full_name(node) + " (" + node.tailscale_ips.front().to_text() + ")";
}

// ---- the table

namespace {

struct Place {
  std::string name;  // empty: unknown
  std::vector<const PeerStatus*> nodes;
};
// By name, as people look for them; unknown places first.
using Cities = std::map<std::string, Place>;
using Countries = std::map<std::string, std::pair<std::string, Cities>>;

std::int64_t priority_of(const PeerStatus* node) {
  return node->location ? node->location->priority : 0;
}

void best_first(std::vector<const PeerStatus*>& nodes) {
  std::ranges::stable_sort(nodes, std::greater<>(), priority_of);
}

Countries by_place(const Status& status, std::string_view country) {
  Countries out;
  for (const PeerStatus* peer : sorted_peers(status)) {
    if (!peer->exit_node_option) continue;
    const local::Location at = peer->location.value_or(local::Location{});
    if (!country.empty() && !equal_ignoring_case(at.country, country)) continue;
    auto& [name, cities] = out[at.country + '\0' + at.country_code];
    name = at.country;
    Place& city = cities[at.city + '\0' + at.city_code];
    city.name = at.city;
    city.nodes.push_back(peer);
  }
  return out;
}

// Whoever hires exit nodes has hundreds: of each city the best one, and before the cities of a
// country the best of all.
std::vector<Place> shown_places(const Cities& cities, bool all) {
  std::vector<Place> out;
  Place any{"Any", {}};
  for (const auto& [key, city] : cities) {
    Place& shown = out.emplace_back(city);
    best_first(shown.nodes);
    any.nodes.insert(any.nodes.end(), shown.nodes.begin(), shown.nodes.end());
    if (all) continue;
    const PeerStatus* best = shown.nodes.front();
    std::erase_if(
        shown.nodes, [best](const PeerStatus* node) { return node != best && !node->exit_node; });
  }
  if (cities.size() < 2) return out;
  best_first(any.nodes);
  any.nodes.resize(1);
  out.insert(out.begin(), std::move(any));
  return out;
}

std::string state_of_offer(const PeerStatus& node, WallTime now) {
  if (!node.active && !node.online) {
    return (node.exit_node ? "selected but offline" : "offline") + last_seen(node, now);
  }
  return node.exit_node ? "selected" : "-";
}

std::string latency_of(const ExitNodes& known, const PeerStatus& node) {
  const auto offer = std::ranges::find(known.offers, node.id, &local::ExitNodeOffer::id);
  if (offer == known.offers.end() || !offer->latency) return "-";
  return go_duration_rounded(*offer->latency, 1ms);
}

// Cells of at least ten characters, five of them blank at the end.
std::string columns(const std::vector<std::vector<std::string>>& rows) {
  constexpr std::size_t kNarrowest = 10, kGap = 5;
  std::vector<std::size_t> wide;
  for (const auto& row : rows) {
    wide.resize(row.size(), kNarrowest);
    for (std::size_t i = 0; i < row.size(); ++i) wide[i] = std::max(wide[i], width(row[i]) + kGap);
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i] + std::string(wide[i] - width(row[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::string exit_node_table(
    const Status& status, const ExitNodes& known, const ExitNodeTable& wanted) {
  std::vector<std::vector<std::string>> rows = {{" IP", "HOSTNAME", "COUNTRY", "CITY", "STATUS"}};
  if (wanted.latencies) rows.front().push_back("LATENCY");
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : printable(text); };
  for (const auto& [key, country] : by_place(status, wanted.country)) {
    const auto& [name, cities] = country;
    const bool all = !wanted.country.empty() || name.empty();
    const auto places =
        name.empty() ? std::vector<Place>{cities.begin()->second} : shown_places(cities, all);
    for (const Place& city : places) {
      for (const PeerStatus* node : city.nodes) {
        const std::string address =
            node->tailscale_ips.empty() ? "-" : node->tailscale_ips.front().to_text();
        auto& row = rows.emplace_back(std::vector<std::string>{
            " " + address, full_name(*node), or_dash(name), or_dash(city.name),
            state_of_offer(*node, wanted.now)});
        if (wanted.latencies) row.push_back(latency_of(known, *node));
      }
    }
  }
  return rows.size() == 1 ? "" : columns(rows);
}

}  // namespace aya::cli
