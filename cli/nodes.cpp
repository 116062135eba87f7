#include "cli/nodes.h"

#include <algorithm>
#include <tuple>

#include "cli/text.h"

namespace aya::cli {
namespace {

using local::BackendState;
using local::PeerStatus;
using local::Status;

std::string_view without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool has_address(const PeerStatus& node, const IpAddress& address) {
  return std::ranges::find(node.tailscale_ips, address) != node.tailscale_ips.end();
}

bool is_called(const PeerStatus& node, std::string_view name) {
  const std::string_view full = without_dot(node.dns_name);
  return (!full.empty() && (equal_ignoring_case(full, name) ||
                            equal_ignoring_case(full.substr(0, full.find('.')), name))) ||
         equal_ignoring_case(node.host_name, name) || node.id == name;
}

std::vector<const PeerStatus*> all_nodes(const Status& status) {
  std::vector<const PeerStatus*> nodes = {&status.self};
  for (const PeerStatus& peer : status.peers) nodes.push_back(&peer);
  return nodes;
}

Failure nobody(const Status& status, std::string_view who) {
  std::vector<std::string> names;
  for (const PeerStatus* node : all_nodes(status)) names.push_back(node->display_name());
  std::string text = "no node is called " + in_quotes(who);
  if (const auto guess = nearest(who, names)) text += "; did you mean " + printable(*guess) + "?";
  return {Exit::NoSuchNode, std::move(text)};
}

Failure several(std::string_view who, const std::vector<const PeerStatus*>& found) {
  std::string text = in_quotes(who) + " may mean";
  for (const PeerStatus* node : found) text += " " + printable(without_dot(node->dns_name));
  return {Exit::NoSuchNode, text + "; use a full name or an address"};
}

}  // namespace

Result<const PeerStatus*, Failure> find_node(const Status& status, std::string_view who) {
  const std::string_view name = without_dot(who);
  const auto address = IpAddress::parse(name);
  std::vector<const PeerStatus*> found;
  for (const PeerStatus* node : all_nodes(status)) {
    if (address ? has_address(*node, *address) : is_called(*node, name)) found.push_back(node);
  }
  // A DNS label is unique, a host name is not: the label decides.
  if (found.size() > 1) {
    const auto owner = std::ranges::find_if(found, [&](const PeerStatus* node) {
      const std::string_view full = without_dot(node->dns_name);
      return equal_ignoring_case(full.substr(0, full.find('.')), name);
    });
    if (owner != found.end()) return *owner;
    return several(who, found);
  }
  if (found.empty()) return nobody(status, who);
  return found.front();
}

std::string short_name(const Status& status, const PeerStatus& node) {
  std::string_view name = without_dot(node.dns_name);
  const std::string suffix = "." + status.magic_dns_suffix;
  if (name.size() > suffix.size() && name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name.empty() ? in_quotes(node.host_name) : printable(name);
}

std::string owner_name(const Status& status, const PeerStatus& node) {
  if (node.alt_sharer_user_id == 0 && !node.tags.empty()) return "tagged-devices";
  const std::int64_t id = node.alt_sharer_user_id != 0 ? node.alt_sharer_user_id : node.user_id;
  const auto user = status.users.find(id);
  if (user == status.users.end()) return std::to_string(id);
  const std::string& login = user->second.login_name;
  const std::size_t at = login.find('@');
  return printable(at == std::string::npos ? login : login.substr(0, at + 1));
}

std::string last_seen(const PeerStatus& peer, WallTime now) {
  if (!peer.last_seen) return "";
  const auto ago = std::chrono::duration_cast<std::chrono::minutes>(now - *peer.last_seen).count();
  const std::int64_t minutes = std::max<std::int64_t>(ago, 1);
  const std::string text = minutes < 60        ? std::to_string(minutes) + "m"
                           : minutes < 60 * 24 ? std::to_string(minutes / 60) + "h"
                                               : std::to_string(minutes / (60 * 24)) + "d";
  return ", last seen " + text + " ago";
}

std::vector<const PeerStatus*> sorted_peers(const Status& status) {
  std::vector<const PeerStatus*> peers;
  for (const PeerStatus& peer : status.peers) peers.push_back(&peer);
  std::ranges::sort(
      peers, {}, [](const PeerStatus* peer) { return std::tie(peer->host_name, peer->id); });
  return peers;
}

Outcome expect_running(Context& context, const Status& status) {
  const auto stop = [&context](std::string text, std::string_view advice) -> Outcome {
    if (!context.strict) text += advice;
    context.out(text + "\n");
    return Failure{Exit::NeedsLogin, ""};
  };
  switch (status.backend_state) {
    case BackendState::Running:
    case BackendState::Starting:
      return {};
    case BackendState::Stopped:
      return stop(context.strict ? "Tailscale is stopped." : "Stopped.", " To connect: ayatori up");
    case BackendState::NeedsLogin: {
      if (status.auth_url.empty()) return stop("Logged out.", " To log in: ayatori up");
      return stop("Logged out.\nLog in at: " + printable(status.auth_url), "");
    }
    case BackendState::NeedsMachineAuth:
      return stop(
          context.strict ? "Machine is not yet approved by tailnet admin."
                         : "An administrator has yet to approve this machine.",
          "");
    case BackendState::NoState:
    case BackendState::InUseOtherUser:
      break;
  }
  return stop("unexpected state: " + std::string(local::to_text(status.backend_state)), "");
}

}  // namespace aya::cli
