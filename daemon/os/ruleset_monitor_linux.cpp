#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "daemon/os/netlink.h"
#include "daemon/os/ruleset_monitor.h"

namespace aya::os {
namespace {

bool changes_rules(std::uint16_t type) {
  if (NFNL_SUBSYS_ID(type) != NFNL_SUBSYS_NFTABLES) return false;
  switch (NFNL_MSG_TYPE(type)) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<RulesetMonitor, OsError> RulesetMonitor::open() {
  OwnedFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd) return last_error("open a netlink socket for firewall events");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const int group = NFNLGRP_NFTABLES;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return last_error("listen to firewall events");
  }
  return RulesetMonitor(std::move(fd));
}

bool RulesetMonitor::on_readable() {
  bool changed = false;
  Buffer received(64 * 1024);
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), received.data(), received.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    // More than fitted: what was lost may be anything.
    if (size < 0 && errno == ENOBUFS) {
      changed = true;
      continue;
    }
    if (size <= 0) return changed;
    for_each_message(
        Bytes(received).first(static_cast<std::size_t>(size)),
        [&](const NetlinkView& message) { changed = changed || changes_rules(message.type()); });
  }
}

}  // namespace aya::os
