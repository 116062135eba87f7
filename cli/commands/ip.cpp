#include "cli/commands/table.h"
#include "cli/nodes.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

struct IpFlags {
  bool one = false, v4 = false, v6 = false;
  std::string expected;
};

std::string list_of(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& address : addresses) texts.push_back(address.to_text());
  return "[" + join(texts, " ") + "]";
}

Outcome check_expected(const std::string& text, const std::vector<IpAddress>& addresses) {
  const auto wanted = IpAddress::parse(text);
  if (!wanted) return Failure{Exit::BadArgument, in_quotes(text) + " is not an IP address"};
  for (const IpAddress& address : addresses) {
    if (address == *wanted) return {};
  }
  return Failure{
      Exit::NotAsWished,
      "assertion failed: IP " + in_quotes(text) + " not found among " + list_of(addresses)};
}

Outcome print(Context& context, const IpFlags& wanted, const std::vector<IpAddress>& addresses) {
  bool any = false;
  for (const IpAddress& address : addresses) {
    if ((wanted.v4 && !address.is_v4()) || (wanted.v6 && !address.is_v6())) continue;
    context.out(address.to_text() + "\n");
    any = true;
    if (wanted.one) break;
  }
  if (any) return {};
  return Failure{Exit::Failed, std::string("no ") + (wanted.v4 ? "IPv4" : "IPv6") + " address"};
}

}  // namespace

Outcome ip(Context& context, const Arguments& args) {
  IpFlags wanted;
  Flags flags;
  flags.boolean("1", wanted.one, "print only one address");
  flags.boolean("4", wanted.v4, "print only the IPv4 address");
  flags.boolean("6", wanted.v6, "print only the IPv6 address");
  flags.text("assert", wanted.expected, "fail unless this is an address of this machine");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (wanted.one + wanted.v4 + wanted.v6 > 1) {
    return Failure{
        Exit::BadArgument, context.program + " ip -1, -4, and -6 are mutually exclusive"};
  }
  if (left->size() > 1) return Failure{Exit::BadArgument, "too many arguments, at most one peer"};

  const auto status = context.status(!left->empty());
  if (!status) return status.error();
  std::vector<IpAddress> addresses = status->tailscale_ips;
  if (!left->empty()) {
    const auto node = find_node(*status, left->front());
    if (!node) return node.error();
    addresses = (*node)->tailscale_ips;
  }
  if (addresses.empty()) {
    return Failure{
        Exit::NeedsLogin,
        "no current Tailscale IPs; state: " + std::string(local::to_text(status->backend_state))};
  }
  if (!wanted.expected.empty()) return check_expected(wanted.expected, addresses);
  return print(context, wanted, addresses);
}

}  // namespace aya::cli
