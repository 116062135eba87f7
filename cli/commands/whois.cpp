#include <algorithm>

#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/nodes.h"
#include "cli/text.h"
#include "proto/http/target.h"
#include "proto/local/whois.h"
#include "proto/netaddr/endpoint.h"

namespace aya::cli {
namespace {

void row(std::string& out, std::string_view name, std::string_view value) {
  std::string left = "  " + std::string(name) + ":";
  left.resize(std::max<std::size_t>(left.size() + 1, 18), ' ');
  out += left + printable(value) + "\n";
}

// What it may send besides its own addresses. The stock program takes it that these come first in
// the list, and shows what is left where they do not; ours looks.
std::vector<std::string> more_than_addresses(const local::WhoIsSummary& who, bool strict) {
  std::vector<std::string> more = who.allowed_ips;
  if (strict) {
    const std::size_t own = std::min(who.addresses.size(), more.size());
    more.erase(more.begin(), more.begin() + static_cast<std::ptrdiff_t>(own));
    return more;
  }
  std::erase_if(more, [&who](const std::string& prefix) {
    return std::ranges::find(who.addresses, prefix) != who.addresses.end();
  });
  return more;
}

std::string whois_text(const local::WhoIsSummary& who, bool strict) {
  std::string out = "Machine:\n";
  row(out, "Name", who.name);
  row(out, "ID", who.stable_id);
  row(out, "Addresses", "[" + join(who.addresses, " ") + "]");
  const auto more = more_than_addresses(who, strict);
  if (!more.empty()) row(out, "AllowedIPs", "[" + join(more, " ") + "]");
  if (!who.tags.empty()) {
    row(out, "Tags", join(who.tags, ", "));
  } else {
    out += "User:\n";
    row(out, "Name", who.user.login_name);
    row(out, "ID", std::to_string(who.user.id));
  }
  if (!who.capabilities.empty()) out += "Capabilities:\n";
  for (const auto& [name, values] : who.capabilities) {
    out += "  - " + printable(name) + ":\n      " + printable(values) + "\n";
  }
  return out;
}

Outcome show(Context& context, std::string_view address, std::string_view protocol, bool json) {
  std::string target = "whois?addr=" + http::percent_encode(address);
  if (!protocol.empty()) target += "&proto=" + http::percent_encode(protocol);
  const auto answer = context.client.get(target);
  if (!answer && answer.error().status == 404) return Failure{Exit::NoSuchNode, "peer not found"};
  if (!answer) return context.failure(answer.error());
  if (json) {
    context.out(reindented(*answer, ' ', 2));
    return {};
  }
  const auto who = local::parse_whois(*answer);
  if (!who) return Failure{Exit::Failed, "the daemon's answer is not readable"};
  context.out(whois_text(*who, context.strict));
  return {};
}

// Names are ours to resolve; everything else is the daemon's to judge.
Result<std::string, Failure> asked_address(Context& context, const std::string& who) {
  if (context.strict || IpAddress::parse(who) || Endpoint::parse(who) ||
      who.starts_with("nodekey:")) {
    return who;
  }
  const auto status = context.status();
  if (!status) return status.error();
  const auto node = find_node(*status, who);
  if (!node) return node.error();
  if ((*node)->tailscale_ips.empty()) return Failure{Exit::NoSuchNode, "the node has no address"};
  return (*node)->tailscale_ips.front().to_text();
}

}  // namespace

Outcome whois(Context& context, const Arguments& args) {
  bool json = false;
  std::string protocol;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  flags.text("proto", protocol, "protocol of the port: tcp or udp");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->empty()) return Failure{Exit::BadArgument, "missing argument, expected one peer"};
  if (left->size() > 1) return Failure{Exit::BadArgument, "too many arguments, expected one peer"};
  const auto address = asked_address(context, left->front());
  if (!address) return address.error();
  return show(context, *address, protocol, json);
}

Outcome whoami(Context& context, const Arguments& args) {
  bool json = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  const auto status = context.status(false);
  if (!status) return status.error();
  if (status->tailscale_ips.empty()) {
    if (auto running = expect_running(context, *status); !running) return running;
    return Failure{Exit::NeedsLogin, "this machine has no address yet"};
  }
  return show(context, status->tailscale_ips.front().to_text(), "", json);
}

}  // namespace aya::cli
