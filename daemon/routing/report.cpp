#include "daemon/routing/report.h"

namespace aya::routing {
namespace {

const char* text_of(KeptBecause why) {
  switch (why) {
    case KeptBecause::LocalAccess:
      return "local network access is allowed";
    case KeptBecause::PeerOffersItToo:
      return "a peer offers it, too";
    case KeptBecause::HostServer:
      return "a gateway or server of this host";
  }
  return "";
}

std::string text_of(const Conflict& conflict) {
  const std::string prefix = conflict.prefix.to_text();
  const std::string address = conflict.prefix.address.to_text();
  switch (conflict.kind) {
    case ConflictKind::LanOffered:
      return conflict.with + " offers " + prefix + ", in which this host sits";
    case ConflictKind::LanTooLarge:
      return "the network " + prefix + " on " + conflict.with +
             " is too large to be believed: it does not count as local";
    case ConflictKind::PeerInLan:
      return "a peer has the address " + address + ", which lies in the network on " +
             conflict.with + ": a neighbour of that address cannot be reached";
    case ConflictKind::PeerIsHostServer:
      return conflict.with + " has the address " + address +
             " of a gateway or server of this host: reach it by IPv6, or give it another address "
             "with `ayatori-coord node ip`";
    case ConflictKind::OwnAddressOnHost:
      return "this host or its gateway uses " + address +
             " on its own network: the node has no IPv4 address until it gets another with "
             "`ayatori-coord node ip`";
    case ConflictKind::ServiceElsewhere:
      return address + " is answered by another program by way of " + conflict.with +
             ": names of the mesh are not resolved on this host";
    case ConflictKind::SubnetOfOurs:
      return conflict.with + " offers " + prefix + ", which this node offers, too";
  }
  return prefix;
}

const char* text_of(ExitState state) {
  switch (state) {
    case ExitState::None:
      return "none";
    case ExitState::InUse:
      return "in use";
    case ExitState::Unavailable:
      return "unavailable";
    case ExitState::Impossible:
      return "impossible";
  }
  return "";
}

}  // namespace

local::HostRouting report(const Decision& decision) {
  local::HostRouting out;
  out.exit_node = text_of(decision.exit);
  for (const KeptLocal& kept : decision.kept_local) {
    out.kept_local.push_back({kept.prefix, kept.interface, text_of(kept.why)});
  }
  out.unreachable = decision.unreachable;
  for (const Conflict& conflict : decision.conflicts) {
    out.conflicts.push_back({conflict.prefix, conflict.with, text_of(conflict)});
  }
  return out;
}

std::vector<local::HealthWarning> warnings(const Decision& decision) {
  std::vector<local::HealthWarning> out;
  if (decision.exit == ExitState::Unavailable) {
    out.push_back(
        {"exit-node-unavailable", "high", "No exit node",
         "The chosen exit node cannot be used, and nothing leaves for the Internet without it: "
         "choose another, or none with `ayatori set --exit-node=`.",
         std::nullopt, true});
  }
  if (decision.exit == ExitState::Impossible) {
    out.push_back(
        {"exit-node-impossible", "high", "No exit node",
         "This kernel has no policy routing, which an exit node needs: Internet traffic of this "
         "host does not go through the chosen one.",
         std::nullopt, true});
  }
  for (const Conflict& conflict : decision.conflicts) {
    const bool to_tell = conflict.kind == ConflictKind::OwnAddressOnHost ||
                         conflict.kind == ConflictKind::PeerIsHostServer ||
                         conflict.kind == ConflictKind::ServiceElsewhere;
    if (!to_tell) continue;
    out.push_back(
        {"address-conflict", "medium", "Address in use twice", text_of(conflict), std::nullopt,
         conflict.kind == ConflictKind::OwnAddressOnHost});
  }
  return out;
}

}  // namespace aya::routing
