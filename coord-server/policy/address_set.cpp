#include "coord-server/policy/address_set.h"

#include <algorithm>
#include <array>

namespace aya::policy {
namespace {

IpAddress from_bytes(std::span<const std::byte> bytes, bool v4) {
  if (v4) return IpAddress::v4(std::span<const std::byte, 4>(bytes.data(), 4));
  return IpAddress::v6(std::span<const std::byte, 16>(bytes.data(), 16));
}

// The last address of a prefix: all host bits set.
IpAddress last_of(const Prefix& prefix) {
  std::array<std::byte, 16> bytes{};
  const Bytes from = prefix.address.bytes();
  std::copy(from.begin(), from.end(), bytes.begin());
  for (unsigned bit = prefix.length; bit < prefix.address.bit_length(); ++bit) {
    bytes[bit / 8] |= static_cast<std::byte>(0x80 >> (bit % 8));
  }
  return from_bytes(bytes, prefix.address.is_v4());
}

// The address before; `address` is not the first of its family.
IpAddress previous(const IpAddress& address) {
  std::array<std::byte, 16> bytes{};
  const Bytes from = address.bytes();
  std::copy(from.begin(), from.end(), bytes.begin());
  for (std::size_t i = from.size(); i-- > 0;) {
    if (bytes[i] != std::byte{0}) {
      bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[i]) - 1);
      break;
    }
    bytes[i] = std::byte{0xff};
  }
  return from_bytes(bytes, address.is_v4());
}

bool same_family(const IpAddress& a, const IpAddress& b) { return a.is_v4() == b.is_v4(); }

bool touches(const AddressRange& before, const AddressRange& after) {
  if (!same_family(before.last, after.first)) return false;
  const auto next = before.last.next();
  return !next || after.first <= *next;
}

// The prefix that a range is, if it is one.
std::optional<Prefix> as_prefix(const AddressRange& range) {
  for (unsigned length = 0; length <= range.first.bit_length(); ++length) {
    const Prefix prefix{range.first, static_cast<std::uint8_t>(length)};
    if (prefix.is_canonical() && last_of(prefix) == range.last) return prefix;
  }
  return std::nullopt;
}

}  // namespace

AddressRange range_of(const Prefix& prefix) {
  const Prefix whole = prefix.masked();
  return {whole.address, last_of(whole)};
}

AddressSet AddressSet::everything() {
  AddressSet out;
  out.everything_ = true;
  return out;
}

void AddressSet::add(const AddressRange& range) {
  ranges_.push_back(range);
  settled_ = false;
}

void AddressSet::add(const AddressSet& other) {
  everything_ = everything_ || other.everything_;
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  settled_ = false;
}

void AddressSet::remove(const AddressSet& other) {
  std::vector<AddressRange> left = ranges();
  for (const AddressRange& hole : other.ranges()) {
    std::vector<AddressRange> rest;
    for (const AddressRange& range : left) {
      const bool apart = !same_family(range.first, hole.first) || hole.last < range.first ||
                         range.last < hole.first;
      if (apart) {
        rest.push_back(range);
        continue;
      }
      if (range.first < hole.first) rest.push_back({range.first, previous(hole.first)});
      if (hole.last < range.last) rest.push_back({*hole.last.next(), range.last});
    }
    left = std::move(rest);
  }
  ranges_ = std::move(left);
}

void AddressSet::settle() const {
  if (settled_) return;
  std::ranges::sort(ranges_, {}, &AddressRange::first);
  std::vector<AddressRange> merged;
  for (const AddressRange& range : ranges_) {
    if (!merged.empty() && touches(merged.back(), range)) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
  settled_ = true;
}

const std::vector<AddressRange>& AddressSet::ranges() const {
  settle();
  return ranges_;
}

bool AddressSet::contains(const IpAddress& address) const {
  return overlaps(Prefix::host(address));
}

bool AddressSet::overlaps(const Prefix& prefix) const {
  if (everything_) return true;
  const AddressRange wanted = range_of(prefix);
  // The first range that does not end before `wanted` begins.
  const auto at = std::ranges::lower_bound(ranges(), wanted.first, {}, &AddressRange::last);
  return at != ranges_.end() && same_family(at->first, wanted.first) && at->first <= wanted.last;
}

std::string range_text(const AddressRange& range) {
  if (range.first == range.last) return range.first.to_text();
  if (const auto prefix = as_prefix(range)) return prefix->to_text();
  return range.first.to_text() + '-' + range.last.to_text();
}

std::vector<std::string> AddressSet::to_texts() const {
  if (everything_) return {"*"};
  std::vector<std::string> out;
  for (const AddressRange& range : ranges()) out.push_back(range_text(range));
  return out;
}

}  // namespace aya::policy
