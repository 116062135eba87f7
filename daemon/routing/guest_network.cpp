#include "daemon/routing/guest_network.h"

#include <algorithm>
#include <array>

namespace aya::routing {
namespace {

// Never part of "the Internet".
constexpr std::array kNotInternet = {"10.0.0.0/8",         "172.16.0.0/12",      "192.168.0.0/16",
                                     "169.254.0.0/16",     "127.0.0.0/8",        "224.0.0.0/4",
                                     "255.255.255.255/32", "100.64.0.0/10",      "fe80::/10",
                                     "ff00::/8",           "fd7a:115c:a1e0::/48"};

std::vector<Prefix> not_internet() {
  std::vector<Prefix> out;
  for (const char* text : kNotInternet) out.push_back(*Prefix::parse(text));
  return out;
}

bool swallows(const Prefix& outer, const Prefix& inner) {
  return outer.length <= inner.length && outer.contains(inner.address);
}

std::array<Prefix, 2> halves(const Prefix& whole) {
  const auto length = static_cast<std::uint8_t>(whole.length + 1);
  const Prefix lower = Prefix{whole.address, length}.masked();
  std::array<std::byte, 16> bytes{};
  const Bytes from = lower.address.bytes();
  std::ranges::copy(from, bytes.begin());
  bytes[whole.length / 8] |= static_cast<std::byte>(0x80 >> whole.length % 8);
  const auto upper = from.size() == 4 ? IpAddress::v4(Bytes(bytes).first<4>())
                                      : IpAddress::v6(Bytes(bytes).first<16>());
  return {lower, Prefix{upper, length}};
}

// `whole` without the holes, in as few prefixes as it takes. A hole is never smaller than one
// address, so the halving ends.
void subtract(const Prefix& whole, const std::vector<Prefix>& holes, std::vector<Prefix>& out) {
  const auto gone = [&](const Prefix& hole) { return swallows(hole, whole); };
  if (std::ranges::any_of(holes, gone)) return;
  const auto inside = [&](const Prefix& hole) { return swallows(whole, hole); };
  if (std::ranges::none_of(holes, inside)) {
    out.push_back(whole);
    return;
  }
  for (const Prefix& half : halves(whole)) subtract(half, holes, out);
}

}  // namespace

std::vector<Prefix> reachable_through(const control::Node& self, const Surroundings& around) {
  const std::vector<Prefix> never = not_internet();
  std::vector<Prefix> out;
  for (const Prefix& offered : self.allowed_ips ? *self.allowed_ips : self.addresses) {
    if (offered.length != 0) {
      out.push_back(offered);
      continue;
    }
    std::vector<Prefix> holes = never;
    for (const auto& lan : around.lans) {
      if (!too_large(lan.prefix)) holes.push_back(lan.prefix.masked());
    }
    subtract(offered, holes, out);
    // The host's own address on such a network is as public as the network.
    for (const IpAddress& own : around.own) {
      const bool private_one =
          std::ranges::any_of(never, [&](const Prefix& one) { return one.contains(own); });
      if (offered.contains(own) && !private_one) out.push_back(Prefix::host(own));
    }
  }
  return out;
}

}  // namespace aya::routing
