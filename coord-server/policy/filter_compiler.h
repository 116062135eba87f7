// The packet filter of one node: the rules in which it, or what it routes, is a destination, with
// addresses. Private to the room.
#pragma once

#include "coord-server/policy/engine.h"

namespace aya::policy {

class FilterCompiler {
 public:
  FilterCompiler(Engine& engine, NodeId node)
      : engine_(engine),
        device_(*engine.device(node)),
        standing_(*engine.standing(node)),
        subnets_(subnets_of(device_)) {
    for (const std::string& name : device_.hosted) {
      if (const Device* service = engine.service(name)) services_.push_back(service);
    }
  }

  control::FilterRules rules();

  // Everything a rule lets in, or answers to if it is read backwards.
  static AddressSet sources_of(const Engine& engine, const Rule& rule);
  static AddressSet destinations_as_sources(const Engine& engine, const Rule& rule);

 private:
  struct Target {
    std::vector<std::string> texts;  // for ports
    std::vector<Prefix> prefixes;    // for capabilities
  };
  static std::vector<std::string> all_but(const std::vector<Prefix>& withheld);
  Target target_of(const Rule& rule) const;
  bool means(SelectorId id, const Device& end) const;
  std::vector<std::string> own_sources(const Rule& rule) const;
  void add(const Rule& rule, const std::vector<std::string>& from, const Target& to);
  void add_ports(const Rule& rule, const std::vector<std::string>& from, const Target& to);
  void add_companions(std::size_t index);
  bool is_own_address(const IpAddress& address) const;

  Engine& engine_;
  const Device& device_;
  const Standing& standing_;
  const std::vector<Prefix> subnets_;
  std::vector<const Device*> services_;  // that it answers for
  control::FilterRules out_;
  std::vector<std::size_t> entry_of_;  // of each rule in `out_`
};

}  // namespace aya::policy
