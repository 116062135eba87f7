#include <algorithm>
#include <functional>

#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/nodes.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using local::PeerStatus;
using local::Status;

struct StatusFlags {
  bool json = false, active = false, self = true, peers = true, watch = false;
  std::optional<bool> header;
  std::string sort = "name";
};

std::string way_to(const PeerStatus& peer) {
  if (!peer.cur_addr.empty()) return "direct " + peer.cur_addr;
  if (!peer.peer_relay.empty()) return "peer-relay " + peer.peer_relay;
  if (!peer.relay.empty()) return "relay \"" + peer.relay + "\"";
  return "";
}

// The grammar that scripts read (interfaces 3.7):
//   - | offline | [idle | active]; [offers] exit node; direct A:P | relay "R"; offline, tx N rx M
std::string state_of(const PeerStatus& peer, WallTime now) {
  const bool traffic = peer.tx_bytes != 0 || peer.rx_bytes != 0;
  std::vector<std::string> parts;
  if (peer.active) parts.push_back("active");
  if (!peer.active && (traffic || peer.exit_node || peer.exit_node_option)) parts.push_back("idle");
  if (peer.exit_node)
    parts.push_back("exit node");
  else if (peer.exit_node_option)
    parts.push_back("offers exit node");
  if (peer.active) parts.push_back(way_to(peer));
  if (!peer.online) parts.push_back("offline" + last_seen(peer, now));
  std::erase(parts, "");
  if (parts.empty()) return "-";
  std::string text = join(parts, "; ");
  if (traffic) {
    text += ", tx " + std::to_string(peer.tx_bytes) + " rx " + std::to_string(peer.rx_bytes);
  }
  return printable(text);
}

std::vector<std::string> row_of(const Status& status, const PeerStatus& node, std::string state) {
  const std::string address =
      node.tailscale_ips.empty() ? "" : node.tailscale_ips.front().to_text();
  return {
      address, short_name(status, node), owner_name(status, node), printable(node.os),
      std::move(state)};
}

std::vector<const PeerStatus*> in_order(const Status& status, const std::string& by) {
  std::vector<const PeerStatus*> peers = sorted_peers(status);
  if (by == "ip") {
    std::ranges::stable_sort(peers, {}, [](const PeerStatus* peer) { return peer->tailscale_ips; });
  } else if (by == "traffic") {
    std::ranges::stable_sort(peers, std::greater(), [](const PeerStatus* peer) {
      return peer->tx_bytes + peer->rx_bytes;
    });
  } else if (by == "state") {  // those one works with first, then those one could
    std::ranges::stable_sort(
        peers, {}, [](const PeerStatus* peer) { return std::pair(!peer->active, !peer->online); });
  }
  return peers;
}

std::string list(
    const Status& status, const StatusFlags& wanted, const Arguments& names, bool header,
    WallTime now) {
  std::vector<std::vector<std::string>> rows;
  if (header) {
    rows.push_back({"IP", "Hostname", "Owner", "OS", "Status"});
    rows.push_back({"--", "--------", "-----", "--", "------"});
  }
  const auto named = [&](const PeerStatus& node) {
    return names.empty() || std::ranges::any_of(names, [&](const std::string& name) {
             const auto found = find_node(status, name);
             return found && *found == &node;
           });
  };
  if (wanted.self && !status.self.tailscale_ips.empty() && named(status.self)) {
    rows.push_back(row_of(status, status.self, state_of(status.self, now)));
  }
  for (const PeerStatus* peer : in_order(status, wanted.sort)) {
    if (!wanted.peers || (wanted.active && !peer->active) || peer->sharee_node || !named(*peer)) {
      continue;
    }
    rows.push_back(row_of(status, *peer, state_of(*peer, now)));
  }
  return table(rows);
}

std::string health_of(const Status& status) {
  if (status.health.empty()) return "";
  std::string text = "\n# Health check:\n";
  for (const std::string& problem : status.health) text += "#     - " + printable(problem) + "\n";
  return text;
}

Result<std::string, Failure> page_of(
    Context& context, const Status& status, const StatusFlags& wanted, const Arguments& names) {
  for (const std::string& name : names) {
    if (const auto found = find_node(status, name); !found) return found.error();
  }
  const bool header = wanted.header.value_or(!context.strict && context.console.out_is_terminal());
  return list(status, wanted, names, header, context.console.wall_now()) + health_of(status);
}

// On a terminal the page is painted over; elsewhere pages follow each other, when they differ.
Outcome watch(Context& context, const StatusFlags& wanted, const Arguments& names) {
  constexpr auto kPageEvery = 1s;
  constexpr std::string_view kClear = "\x1b[H\x1b[2J";
  std::string shown;
  while (true) {
    const auto status = context.status(wanted.peers);
    if (!status) return status.error();
    std::string page;
    if (status->backend_state == local::BackendState::Running) {
      auto made = page_of(context, *status, wanted, names);
      if (!made) return made.error();
      page = *std::move(made);
    } else {
      page = "not connected: " + std::string(local::to_text(status->backend_state)) + "\n";
    }
    if (page != shown) {
      const bool repaint = context.console.out_is_terminal();
      if (!repaint && !shown.empty()) context.out("\n");
      if (!context.out(repaint ? std::string(kClear) + page : page)) return {};
      shown = page;
    }
    context.console.sleep_until(context.console.now() + kPageEvery);
  }
}

}  // namespace

Outcome status(Context& context, const Arguments& args) {
  StatusFlags wanted;
  Flags flags;
  flags.boolean("json", wanted.json, "print JSON");
  flags.boolean("active", wanted.active, "only peers with traffic in the last two minutes");
  flags.boolean("self", wanted.self, "also this machine (default true)");
  flags.boolean("peers", wanted.peers, "also peers (default true)");
  flags.boolean("header", wanted.header, "name the columns (default: on a terminal)");
  flags.text("sort", wanted.sort, "by name (default), ip, traffic or state");
  flags.boolean("watch", wanted.watch, "go on, and show what changes");
  flags.unsupported({"web", "listen", "browser"});
  const auto names = context.parse(flags, args);
  if (!names) return names.error();
  const auto orders = {"name", "ip", "traffic", "state"};
  if (std::ranges::find(orders, wanted.sort) == orders.end()) {
    return Failure{Exit::BadArgument, "--sort takes name, ip, traffic or state"};
  }
  if (wanted.watch && wanted.json) {
    return Failure{Exit::BadArgument, "for JSON that goes on: debug watch-ipn"};
  }
  if (wanted.watch) return watch(context, wanted, *names);

  if (wanted.json) {
    const auto body = context.call("GET", wanted.peers ? "status" : "status?peers=false");
    if (!body) return body.error();
    context.out(reindented(wanted.active ? without_idle_peers(*body) : *body, ' ', 2));
    return {};
  }
  const auto status = context.status(wanted.peers);
  if (!status) return status.error();
  // A name that nobody has is a mistake also while the node is down.
  for (const std::string& name : *names) {
    if (const auto found = find_node(*status, name); !found) return found.error();
  }
  if (auto running = expect_running(context, *status); !running) return running;
  const auto page = page_of(context, *status, wanted, *names);
  if (!page) return page.error();
  context.out(*page);
  return {};
}

}  // namespace aya::cli
