#include "coord-server/policy/resolver.h"

#include <algorithm>

namespace aya::policy {
namespace {

using Want = Selector::Kind;

AddressRange range(std::string_view first, std::string_view last) {
  return {*IpAddress::parse(first), *IpAddress::parse(last)};
}

bool has_role(const Selector& wanted, const Person& person) {
  if (person.role == wanted.name) return true;
  return wanted.name == "admin" && person.role == "owner";
}

bool is_literal(const Selector& selector) {
  return selector.is(Want::Address) || selector.is(Want::Host) || selector.is(Want::IpSet);
}

}  // namespace

const std::vector<AddressRange> kOverlayRanges = {
    range("100.64.0.0", "100.115.91.255"), range("100.115.94.0", "100.127.255.255"),
    range_of(*Prefix::parse("fd7a:115c:a1e0::/48"))};

const std::vector<AddressRange> kInternetRanges = {
    range("0.0.0.0", "9.255.255.255"),       range("11.0.0.0", "100.63.255.255"),
    range("100.128.0.0", "126.255.255.255"), range("128.0.0.0", "169.253.255.255"),
    range("169.255.0.0", "172.15.255.255"),  range("172.32.0.0", "192.167.255.255"),
    range("192.169.0.0", "223.255.255.255"), range_of(*Prefix::parse("2000::/3"))};

std::vector<IpAddress> Device::addresses() const {
  std::vector<IpAddress> out = {ipv4, ipv6};
  out.insert(out.end(), former.begin(), former.end());
  return out;
}

bool Device::is_exit_node() const {
  return std::ranges::any_of(routes, [](const Prefix& route) { return route.length == 0; });
}

bool is_login(std::string_view selector, std::string_view login) {
  if (selector == login) return true;
  if (!selector.ends_with('@')) return false;
  return login.starts_with(selector) || login == selector.substr(0, selector.size() - 1);
}

Resolver::SelectorId Resolver::intern(const Selector& selector) {
  const auto known = by_text_.find(selector.text);
  if (known != by_text_.end()) return known->second;
  Entry entry{selector, {}, {}};
  if (selector.prefix) entry.literal.add(*selector.prefix);
  if (selector.is(Want::IpSet)) entry.literal = ip_set(selector.text);
  if (selector.is(Want::DangerAll)) entry.literal = AddressSet::everything();
  entries_.push_back(std::move(entry));
  by_text_[selector.text] = entries_.size() - 1;
  return entries_.size() - 1;
}

AddressSet Resolver::ip_set(const std::string& name) const {
  AddressSet out;
  const auto found = policy_->ip_sets.find(name);
  if (found == policy_->ip_sets.end()) return out;
  for (const policy_file::IpSetStep& step : found->second) {
    AddressSet part;
    if (step.what.prefix) part.add(*step.what.prefix);
    if (step.what.is(Want::IpSet)) part = ip_set(step.what.text);
    if (step.remove) {
      out.remove(part);
    } else {
      out.add(part);
    }
  }
  return out;
}

bool Resolver::is_in_group(const std::string& group, const Person& person) const {
  const auto found = policy_->groups.find(group);
  if (found == policy_->groups.end()) return false;
  return std::ranges::any_of(
      found->second, [&](const std::string& member) { return is_login(member, person.login); });
}

bool Resolver::matches(SelectorId id, const Device& device, const Person* owner) const {
  const Entry& entry = entries_[id];
  if (!is_literal(entry.selector)) return matches(entry.selector, device, owner);
  return device.has_address_in(entry.literal);
}

bool Resolver::matches(const Selector& selector, const Device& device, const Person* owner) const {
  // A machine with tags is nobody's: no selector of people means it.
  const Person* person = device.tagged() ? nullptr : owner;
  switch (selector.kind) {
    case Want::Any:
    case Want::DangerAll:
      return true;
    case Want::Tag:
      return std::ranges::count(device.tags, selector.text) > 0;
    case Want::Tagged:
      return device.tagged();
    case Want::User:
      return person != nullptr && is_login(selector.text, person->login);
    case Want::UserDomain:
      return person != nullptr && person->login.ends_with('@' + selector.name);
    case Want::Group:
      return person != nullptr && is_in_group(selector.text, *person);
    case Want::Member:
      return person != nullptr && !person->guest;
    case Want::Shared:
      return person != nullptr && person->guest;
    case Want::Role:
      return person != nullptr && has_role(selector, *person);
    case Want::Service:
      return device.service == selector.text;
    case Want::Address:
    case Want::Host:
      return selector.prefix && device.has_address_in(*selector.prefix);
    default:
      return false;
  }
}

std::vector<IpAddress> Resolver::addresses_of(SelectorId id, const Device& device) const {
  std::vector<IpAddress> out;
  const Entry& entry = entries_[id];
  for (const IpAddress& address : device.addresses()) {
    if (!is_literal(entry.selector) || entry.literal.contains(address)) out.push_back(address);
  }
  return out;
}

std::vector<Resolver::SelectorId> Resolver::put(const Device& device, const Person* owner) {
  Known& known = known_[device.id.value];
  std::vector<IpAddress> addresses = device.addresses();
  const bool moved = known.addresses != addresses;
  std::vector<SelectorId> in, changed;
  for (SelectorId id = 0; id < entries_.size(); ++id) {
    const bool before = entries_[id].devices.contains(device.id);
    const bool now = matches(id, device, owner);
    if (now) in.push_back(id);
    if (now && !before) entries_[id].devices.insert(device.id);
    if (!now && before) entries_[id].devices.erase(device.id);
    if (now != before || (now && moved)) changed.push_back(id);
  }
  known = {std::move(addresses), std::move(in)};
  return changed;
}

std::vector<Resolver::SelectorId> Resolver::remove(NodeId device) {
  const auto known = known_.find(device.value);
  if (known == known_.end()) return {};
  std::vector<SelectorId> out = std::move(known->second.in);
  for (const SelectorId id : out) entries_[id].devices.erase(device);
  known_.erase(known);
  return out;
}

}  // namespace aya::policy
