// Which machines and addresses a selector means. Every distinct selector of a policy is resolved
// once and then kept in step with the machines: changing one costs as many tests as there are
// selectors, whatever the number of machines and rules.
//
// One thread.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "coord-server/policy/address_set.h"
#include "coord-server/policy/network.h"
#include "coord-server/policy_file/policy_file.h"

namespace aya::policy {

using policy_file::PolicyFile;
using policy_file::Selector;
using policy_file::SharedPolicy;

// The overlay but for the hole that clients do not count as overlay.
extern const std::vector<AddressRange> kOverlayRanges;
// What an exit node leads to: the internet, without anything private.
extern const std::vector<AddressRange> kInternetRanges;

class Resolver {
 public:
  using SelectorId = std::size_t;

  explicit Resolver(SharedPolicy policy) : policy_(std::move(policy)) {}

  // Before any machine is known.
  SelectorId intern(const Selector& selector);

  // Keep in step. Both return the selectors that mean other addresses than before.
  std::vector<SelectorId> put(const Device& device, const Person* owner);
  std::vector<SelectorId> remove(NodeId device);

  const Selector& selector(SelectorId id) const { return entries_[id].selector; }
  bool contains(SelectorId id, NodeId device) const {
    return entries_[id].devices.contains(device);
  }
  const std::set<NodeId>& devices(SelectorId id) const { return entries_[id].devices; }
  // Those of a device's addresses that are meant.
  std::vector<IpAddress> addresses_of(SelectorId id, const Device& device) const;
  // Addresses the selector names by itself: literal ones and sets of them.
  const AddressSet& literal(SelectorId id) const { return entries_[id].literal; }

  // Does a selector mean this device, which need not be one of ours?
  bool matches(SelectorId id, const Device& device, const Person* owner) const;
  bool matches(const Selector& selector, const Device& device, const Person* owner) const;

 private:
  struct Entry {
    Selector selector;
    std::set<NodeId> devices;
    AddressSet literal;
  };
  AddressSet ip_set(const std::string& name) const;
  bool is_in_group(const std::string& group, const Person& person) const;

  SharedPolicy policy_;
  std::vector<Entry> entries_;
  std::map<std::string, SelectorId, std::less<>> by_text_;
  struct Known {
    std::vector<IpAddress> addresses;
    std::vector<SelectorId> in;
  };
  std::unordered_map<std::int64_t, Known> known_;
};

// "alice@" means alice at any domain, and the login "alice".
bool is_login(std::string_view selector, std::string_view login);

}  // namespace aya::policy
