#include "coord-server/policy/filter_compiler.h"

#include <algorithm>
#include <array>

namespace aya::policy {
namespace {

// Two capabilities need to be answered: whoever may ask is known to the one that is asked.
struct Companion {
  const char* asked;
  const char* answered;
};
constexpr std::array kCompanions = {
    Companion{"tailscale.com/cap/drive", "tailscale.com/cap/drive-sharer"},
    Companion{"tailscale.com/cap/relay", "tailscale.com/cap/relay-target"}};

void add_overlay(const Engine& engine, AddressSet& out) {
  for (const AddressRange& range : kOverlayRanges) out.add(range);
  for (const auto& [id, device] : engine.devices()) {
    for (const Prefix& subnet : subnets_of(device)) out.add(subnet);
  }
}

void add_devices(
    const Engine& engine, SelectorId selector, const Rule* with_postures, AddressSet& out) {
  for (const NodeId id : engine.resolver().devices(selector)) {
    const Device& device = *engine.device(id);
    if (with_postures != nullptr && !meets_postures(*with_postures, device)) continue;
    for (const IpAddress& address : engine.resolver().addresses_of(selector, device)) {
      out.add(Prefix::host(address));
    }
  }
}

bool same_sources(
    const control::FilterRule& rule, const std::vector<std::string>& from,
    const policy_file::Service& service) {
  return rule.cap_grants.empty() && rule.src_ips == from && rule.ip_proto == service.protocols;
}

}  // namespace

AddressSet FilterCompiler::sources_of(const Engine& engine, const Rule& rule) {
  AddressSet out;
  const bool all_devices = rule.postures.empty();
  for (const SelectorId id : rule.src) {
    if (all_devices && engine.resolver().selector(id).is(Selector::Kind::Any)) {
      add_overlay(engine, out);
    } else if (all_devices && !engine.resolver().literal(id).empty()) {
      out.add(engine.resolver().literal(id));
    } else {
      add_devices(engine, id, &rule, out);
    }
  }
  return out;
}

AddressSet FilterCompiler::destinations_as_sources(const Engine& engine, const Rule& rule) {
  AddressSet out;
  if (rule.to_all) add_overlay(engine, out);
  out.add(rule.literal_dst);
  for (const SelectorId id : rule.dst) {
    if (engine.resolver().literal(id).empty()) add_devices(engine, id, nullptr, out);
  }
  return out;
}

bool FilterCompiler::is_own_address(const IpAddress& address) const {
  const auto has = [&](const Device& end) {
    return std::ranges::count(end.addresses(), address) > 0;
  };
  return has(device_) ||
         std::ranges::any_of(services_, [&](const Device* service) { return has(*service); });
}

// Of what a packet may be for here: the device itself, or a service it answers for.
bool FilterCompiler::means(SelectorId id, const Device& end) const {
  if (end.service.empty()) return engine_.resolver().contains(id, end.id);
  return engine_.resolver().matches(id, end, nullptr);
}

// A stock exit node lets its callers into every network that it offers, approved or not, unless its
// filter says otherwise.
std::vector<std::string> FilterCompiler::all_but(const std::vector<Prefix>& withheld) {
  if (withheld.empty()) return {"*"};
  AddressSet out, holes;
  out.add(Prefix{IpAddress::v4(0), 0});
  out.add(Prefix{*IpAddress::parse("::"), 0});
  for (const Prefix& one : withheld) holes.add(one);
  out.remove(holes);
  return out.to_texts();
}

FilterCompiler::Target FilterCompiler::target_of(const Rule& rule) const {
  Target out;
  std::set<IpAddress> own;
  AddressSet literal;
  std::vector<const Device*> ends = services_;
  ends.push_back(&device_);
  for (const SelectorId id : rule.dst) {
    const AddressSet& named = engine_.resolver().literal(id);
    std::vector<const Device*> meant;
    for (const Device* end : ends) {
      if (rule.has_via() || !means(id, *end)) continue;
      meant.push_back(end);
      for (const IpAddress& address : engine_.resolver().addresses_of(id, *end)) {
        own.insert(address);
      }
    }
    // What is named keeps its size: a filter says which network, not which part of it is here.
    for (const AddressRange& range : named.ranges()) {
      AddressSet one;
      one.add(range);
      const bool leads_here =
          std::ranges::any_of(meant, [&](const Device* end) { return end->has_address_in(one); }) ||
          std::ranges::any_of(subnets_, [&](const Prefix& s) { return one.overlaps(s); });
      if (leads_here) literal.add(range);
    }
  }
  for (const IpAddress& address : own) out.prefixes.push_back(Prefix::host(address));
  if (rule.to_all && !rule.has_via()) {
    out.texts = all_but(device_.is_exit_node() ? device_.withheld : std::vector<Prefix>());
    return out;
  }
  for (const IpAddress& address : own) {
    if (!literal.contains(address)) out.texts.push_back(address.to_text());
  }
  for (std::string& text : literal.to_texts()) {
    if (const auto prefix = Prefix::parse(text); prefix && !is_own_address(prefix->address)) {
      out.prefixes.push_back(*prefix);
    }
    out.texts.push_back(std::move(text));
  }
  if (rule.to_internet && device_.is_exit_node()) {
    for (const AddressRange& range : kInternetRanges) out.texts.push_back(range_text(range));
  }
  return out;
}

// Of the devices of its owner, those that the rule lets in.
std::vector<std::string> FilterCompiler::own_sources(const Rule& rule) const {
  AddressSet out;
  if (!device_.owner) return {};
  const auto theirs = engine_.owned_.find(*device_.owner);
  if (theirs == engine_.owned_.end()) return {};
  for (const NodeId id : theirs->second) {
    const Device& device = engine_.devices_.at(id);
    if (device.tagged() || !meets_postures(rule, device)) continue;
    for (const SelectorId selector : rule.src) {
      if (!engine_.resolver().contains(selector, id)) continue;
      for (const IpAddress& address : device.addresses()) out.add(Prefix::host(address));
    }
  }
  return out.to_texts();
}

void FilterCompiler::add_ports(
    const Rule& rule, const std::vector<std::string>& from, const Target& to) {
  for (const policy_file::Service& service : rule.written->services) {
    const bool joins = !out_.empty() && entry_of_.back() == rule.written->entry &&
                       same_sources(out_.back(), from, service);
    if (!joins) {
      out_.emplace_back();
      out_.back().src_ips = from;
      out_.back().ip_proto = service.protocols;
      entry_of_.push_back(rule.written->entry);
    }
    for (const std::string& ip : to.texts) {
      for (const control::PortRange& ports : service.ports) {
        control::NetPortRange one{.ip = ip, .bits = {}, .ports = ports};
        auto& list = out_.back().dst_ports;
        if (std::ranges::find(list, one) == list.end()) list.push_back(std::move(one));
      }
    }
  }
}

void FilterCompiler::add(const Rule& rule, const std::vector<std::string>& from, const Target& to) {
  if (from.empty()) return;
  if (!to.texts.empty()) add_ports(rule, from, to);
  // Capabilities are between nodes: a way through others carries none.
  if (rule.written->app.empty() || rule.has_via() || to.prefixes.empty()) return;
  out_.emplace_back();
  out_.back().src_ips = from;
  control::CapGrant grant;
  grant.dsts = to.prefixes;
  grant.cap_map = rule.written->app;
  out_.back().cap_grants.push_back(std::move(grant));
  entry_of_.push_back(rule.written->entry);
}

// The same rule seen from a source.
void FilterCompiler::add_companions(std::size_t index) {
  const Rule& rule = engine_.rules_[index];
  if (rule.has_via() || rule.written->app.empty()) return;
  std::set<IpAddress> own;
  if (meets_postures(rule, device_)) {
    for (const SelectorId id : rule.src) {
      if (!engine_.resolver().contains(id, device_.id)) continue;
      for (const IpAddress& address : engine_.resolver().addresses_of(id, device_)) {
        own.insert(address);
      }
    }
  }
  if (own.empty()) return;
  for (const Companion& companion : kCompanions) {
    if (!rule.written->app.contains(companion.asked)) continue;
    std::vector<std::string> from = destinations_as_sources(engine_, rule).to_texts();
    if (rule.to_self && !device_.tagged()) {
      for (std::string& text : own_sources(rule)) from.push_back(std::move(text));
    }
    if (from.empty()) continue;
    control::CapGrant grant;
    for (const IpAddress& address : own) grant.dsts.push_back(Prefix::host(address));
    grant.cap_map[companion.answered];
    out_.emplace_back();
    out_.back().src_ips = std::move(from);
    out_.back().cap_grants.push_back(std::move(grant));
    entry_of_.push_back(rule.written->entry);
  }
}

control::FilterRules FilterCompiler::rules() {
  for (std::size_t i = 0; i < engine_.rules_.size(); ++i) {
    const Rule& rule = engine_.rules_[i];
    if (standing_.dst.test(i)) add(rule, engine_.source_texts(i), target_of(rule));
    if (standing_.self.test(i)) {
      Target self;
      for (const IpAddress& address : device_.addresses()) {
        self.texts.push_back(address.to_text());
        self.prefixes.push_back(Prefix::host(address));
      }
      add(rule, own_sources(rule), self);
    }
    if (standing_.src.test(i)) add_companions(i);
  }
  return std::move(out_);
}

}  // namespace aya::policy
