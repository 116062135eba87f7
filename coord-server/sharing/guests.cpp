#include "coord-server/sharing/guests.h"

#include <algorithm>

#include "coord-server/policy/resolver.h"

namespace aya::sharing {
namespace {

using policy::AddressSet;

AddressSet set_of(const std::vector<IpAddress>& addresses) {
  AddressSet out;
  for (const IpAddress& address : addresses) out.add(Prefix::host(address));
  return out;
}

// Of one text of a filter. Empty where it is no address: a guest has no capability of ours.
AddressSet parse(const std::string& text) {
  AddressSet out;
  if (text == "*") {
    for (const char* whole : {"0.0.0.0/0", "::/0"}) out.add(*Prefix::parse(whole));
  } else if (const auto prefix = Prefix::parse(text)) {
    out.add(*prefix);
  } else if (const auto alone = IpAddress::parse(text)) {
    out.add(Prefix::host(*alone));
  } else if (const std::size_t dash = text.find('-'); dash != std::string::npos) {
    const auto first = IpAddress::parse(text.substr(0, dash));
    const auto last = IpAddress::parse(text.substr(dash + 1));
    if (first && last) out.add(policy::AddressRange{*first, *last});
  }
  return out;
}

AddressSet common(const AddressSet& a, const AddressSet& b) {
  AddressSet outside = a;
  outside.remove(b);
  AddressSet out = a;
  out.remove(outside);
  return out;
}

std::vector<std::string> sources_without(
    const std::vector<std::string>& sources, const AddressSet& excluded) {
  std::vector<std::string> out;
  for (const std::string& text : sources) {
    AddressSet set = parse(text);
    if (common(set, excluded).empty()) {
      out.push_back(text);
      continue;
    }
    set.remove(excluded);
    for (std::string& left : set.to_texts()) out.push_back(std::move(left));
  }
  return out;
}

AddressSet sources_among(const std::vector<std::string>& sources, const AddressSet& wanted) {
  AddressSet out;
  for (const std::string& text : sources) out.add(common(parse(text), wanted));
  return out;
}

std::vector<control::NetPortRange> within(
    const std::vector<control::NetPortRange>& destinations, const AddressSet& allowed) {
  std::vector<control::NetPortRange> out;
  for (const control::NetPortRange& to : destinations) {
    for (std::string& text : common(parse(to.ip), allowed).to_texts()) {
      control::NetPortRange part = to;
      part.ip = std::move(text);
      out.push_back(std::move(part));
    }
  }
  return out;
}

// Guests of one kind, and where they may go at most.
struct Class {
  AddressSet guests, allowed;
};

}  // namespace

control::FilterRules silence(
    const control::FilterRules& rules, const std::vector<IpAddress>& silent) {
  if (silent.empty()) return rules;
  const AddressSet excluded = set_of(silent);
  control::FilterRules out;
  for (control::FilterRule rule : rules) {
    rule.src_ips = sources_without(rule.src_ips, excluded);
    if (!rule.src_ips.empty()) out.push_back(std::move(rule));
  }
  return out;
}

control::FilterRules confine_guests(
    const control::FilterRules& rules, const std::vector<Guest>& guests,
    const std::vector<IpAddress>& own, const std::vector<Prefix>& subnets) {
  if (guests.empty()) return rules;
  const AddressSet here = set_of(own);
  Class staying{{}, here}, leaving{{}, here};
  for (const policy::AddressRange& range : policy::kInternetRanges) leaving.allowed.add(range);
  AddressSet behind;
  for (const Prefix& subnet : subnets) behind.add(subnet);
  leaving.allowed.remove(behind);
  AddressSet everyone;
  for (const Guest& guest : guests) {
    (guest.may_exit ? leaving : staying).guests.add(set_of(guest.addresses));
    everyone.add(set_of(guest.addresses));
  }
  control::FilterRules out;
  for (const control::FilterRule& rule : rules) {
    const bool local = std::ranges::all_of(rule.dst_ports, [&](const control::NetPortRange& to) {
      AddressSet elsewhere = parse(to.ip);
      elsewhere.remove(here);
      return elsewhere.empty();
    });
    if (local || sources_among(rule.src_ips, everyone).empty()) {
      out.push_back(rule);
      continue;
    }
    control::FilterRule ours = rule;
    ours.src_ips = sources_without(rule.src_ips, everyone);
    if (!ours.src_ips.empty()) out.push_back(std::move(ours));
    for (const Class& kind : {staying, leaving}) {
      control::FilterRule theirs = rule;
      theirs.src_ips = sources_among(rule.src_ips, kind.guests).to_texts();
      theirs.dst_ports = within(rule.dst_ports, kind.allowed);
      if (!theirs.src_ips.empty() && !theirs.dst_ports.empty()) out.push_back(std::move(theirs));
    }
  }
  return out;
}

}  // namespace aya::sharing
