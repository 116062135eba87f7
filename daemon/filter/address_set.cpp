#include "daemon/filter/address_set.h"

namespace aya::filter {
namespace {

constexpr std::string_view kCapabilityMark = "cap:";

// The last address of a prefix.
IpAddress last_of(const Prefix& prefix) {
  std::array<std::byte, 16> raw{};
  copy_bytes(raw, prefix.address.bytes());
  for (unsigned i = prefix.length; i < prefix.address.bit_length(); ++i) {
    raw[i / 8] |= static_cast<std::byte>(0x80u >> i % 8);
  }
  return prefix.address.is_v4() ? IpAddress::v4(std::span(raw).first<4>()) : IpAddress::v6(raw);
}

// The largest prefix that begins at `first` and does not reach beyond `last`.
Prefix largest_at(const IpAddress& first, const IpAddress& last) {
  Prefix best = Prefix::host(first);
  while (best.length > 0) {
    const Prefix wider{first, static_cast<std::uint8_t>(best.length - 1)};
    if (!wider.is_canonical() || last_of(wider) > last) break;
    best = wider;
  }
  return best;
}

}  // namespace

std::vector<Prefix> cover_range(const IpAddress& first, const IpAddress& last) {
  std::vector<Prefix> out;
  std::optional<IpAddress> next = first;
  while (next && *next <= last) {
    out.push_back(largest_at(*next, last));
    next = last_of(out.back()).next();
  }
  return out;
}

Result<AddressSet, std::string> parse_address_set(std::string_view text) {
  const std::string quoted = '"' + std::string(text) + '"';
  if (text == "*") {
    return AddressSet(
        std::vector{Prefix{IpAddress(), 0}, Prefix{IpAddress::v6(std::array<std::byte, 16>{}), 0}});
  }
  if (text.starts_with(kCapabilityMark)) {
    return AddressSet(NodesWithCapability{std::string(text.substr(kCapabilityMark.size()))});
  }
  if (text.find('/') != std::string_view::npos) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) return "invalid prefix " + quoted;
    if (!prefix->is_canonical()) return quoted + " contains non-network bits set";
    return AddressSet(std::vector{*prefix});
  }
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = IpAddress::parse(text.substr(0, dash));
    const auto last = IpAddress::parse(text.substr(dash + 1));
    if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) {
      return "invalid address range " + quoted;
    }
    return AddressSet(cover_range(*first, *last));
  }
  const auto address = IpAddress::parse(text);
  if (!address) return "invalid address " + quoted;
  return AddressSet(std::vector{Prefix::host(*address)});
}

}  // namespace aya::filter
