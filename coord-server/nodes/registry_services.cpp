// Services in the registry: their addresses, who answers for them, and moving both.
#include "coord-server/nodes/registry.h"

namespace aya::nodes {
namespace {

// What programs note down about a service is nothing to nodes.
bool same_to_nodes(const store::Service& a, const store::Service& b) {
  return a.ipv4 == b.ipv4 && a.ipv6 == b.ipv6 && a.ports == b.ports && a.tags == b.tags;
}

}  // namespace

Stored<void> Registry::load_services() {
  auto services = storage_.services();
  if (!services) return services.error();
  for (store::Service& record : *services) {
    const std::string name = record.name;
    indexes_[record.account].services.emplace(name, Service{std::move(record)});
  }
  auto carriers = storage_.service_carriers();
  if (!carriers) return carriers.error();
  for (const store::ServiceCarrier& one : *carriers) {
    indexes_[one.account].services.at(one.service).carrier = one.node;
  }
  auto hosts = storage_.service_hosts();
  if (!hosts) return hosts.error();
  for (const store::ServiceHostRow& row : *hosts) {
    nodes_.at(row.node).hosting.emplace(row.service, row.host);
  }
  return {};
}

const Registry::Services& Registry::services(AccountId account) const {
  static const Services kNone;
  const AccountIndex* index = index_of(account);
  return index == nullptr ? kNone : index->services;
}

const Service* Registry::find_service(AccountId account, std::string_view name) const {
  const Services& all = services(account);
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

// They are few: a handful beside thousands of nodes.
const Service* Registry::service_at(AccountId account, const IpAddress& address) const {
  for (const auto& [name, service] : services(account)) {
    if (service.record.ipv4 == address || service.record.ipv6 == address) return &service;
  }
  return nullptr;
}

bool Registry::is_service_label(AccountId account, std::string_view label) const {
  for (const auto& [name, service] : services(account)) {
    if (label_of_service(name) == label) return true;
  }
  return false;
}

Version Registry::services_changed(AccountId account) const {
  const AccountIndex* index = index_of(account);
  return index == nullptr ? 0 : index->services_changed;
}

Stored<void> Registry::put_service(
    const store::Service& record, WallTime now, const AuditEntry& audit) {
  AccountIndex& account = indexes_.at(record.account);
  const WallTime free_again = now + kQuarantine;
  const auto known = account.services.find(record.name);
  const bool is_new = known == account.services.end();
  auto stored = is_new ? storage_.create_service(record, audit)
                       : storage_.update_service(record, free_again, audit);
  if (!stored) return stored;
  if (!is_new) {
    for (const IpAddress& left : {known->second.record.ipv4, known->second.record.ipv6}) {
      keep_quiet(record.account, left, {}, free_again);
    }
  }
  for (const IpAddress& held : {record.ipv4, record.ipv6}) account.quarantine.erase(held);
  const auto before = std::exchange(account.services[record.name].record, record);
  if (is_new || !same_to_nodes(before, record)) note_service(record.account, record.name);
  return {};
}

Stored<void> Registry::remove_service(
    AccountId id, std::string_view name, WallTime now, const AuditEntry& audit) {
  AccountIndex& account = indexes_.at(id);
  const auto found = account.services.find(name);
  AYA_CHECK(found != account.services.end());
  const store::Service record = found->second.record;
  const WallTime free_again = now + kQuarantine;
  if (auto stored = storage_.remove_service(record, free_again, audit); !stored) return stored;
  account.services.erase(found);
  for (const IpAddress& left : {record.ipv4, record.ipv6}) keep_quiet(id, left, {}, free_again);
  for (const NodeId node : account.nodes) {
    Hosting& hosting = nodes_.at(node).hosting;
    const auto host = hosting.find(record.name);
    if (host == hosting.end()) continue;
    host->second.approval = store::HostApproval::Undecided;
    if (host->second.says_nothing()) hosting.erase(host);
  }
  note_service(id, record.name);
  return {};
}

Stored<void> Registry::set_offers(NodeId id, const std::set<std::string>& services) {
  Node& node = nodes_.at(id);
  std::vector<store::ServiceHostRow> rows;
  for (const auto& [name, host] : node.hosting) {
    if (host.offers && !services.contains(name)) rows.push_back({id, name, {false, host.approval}});
  }
  for (const std::string& name : services) {
    const auto known = node.hosting.find(name);
    if (known != node.hosting.end() && known->second.offers) continue;
    const auto approval =
        known == node.hosting.end() ? store::HostApproval::Undecided : known->second.approval;
    rows.push_back({id, name, {true, approval}});
  }
  if (rows.empty()) return {};
  if (auto stored = storage_.put_service_hosts(rows, std::nullopt); !stored) return stored;
  for (const store::ServiceHostRow& row : rows) {
    if (row.host.says_nothing()) {
      node.hosting.erase(row.service);
    } else {
      node.hosting.insert_or_assign(row.service, row.host);
    }
  }
  touch(node, {});  // the policy may approve of it by itself
  note_hosting(node);
  return {};
}

Stored<void> Registry::approve_host(
    NodeId id, const std::string& service, store::HostApproval approval, const AuditEntry& audit) {
  Node& node = nodes_.at(id);
  const auto known = node.hosting.find(service);
  const store::ServiceHost host{known != node.hosting.end() && known->second.offers, approval};
  if (auto stored = storage_.put_service_hosts({{id, service, host}}, audit); !stored) {
    return stored;
  }
  node.hosting.insert_or_assign(service, host);
  note_hosting(node);
  return {};
}

// What was chosen before the restart stands, as with routes.
void Registry::restore_hosting() {
  for (auto& [id, node] : nodes_) {
    node.hosted = hosted_by(node);
    if (!node.hosted.empty()) indexes_[node.account()].hosts.insert(id);
  }
  for (const auto& [id, index] : indexes_) elect_carriers(id);
}

// Offered, approved, and nothing else keeps others from it.
std::vector<std::string> Registry::hosted_by(const Node& node) const {
  std::vector<std::string> out;
  if (!node.record.authorized || !may_route(node)) return out;
  for (const auto& [name, host] : node.hosting) {
    const bool counts = host.offers && host.approved();
    if (counts && find_service(node.account(), name) != nullptr) out.push_back(name);
  }
  return out;
}

void Registry::note_hosting(Node& node) {
  auto hosted = hosted_by(node);
  if (hosted == node.hosted) return;
  node.hosted = std::move(hosted);
  touch(node, {Facet::Routes});
  AccountIndex& account = indexes_[node.account()];
  if (node.hosted.empty()) {
    account.hosts.erase(node.id());
  } else {
    account.hosts.insert(node.id());
  }
  elect_carriers(node.account());
}

// It came, changed or went: for all who have to do with it, and for those who look it up.
void Registry::note_service(AccountId id, const std::string& name) {
  AccountIndex& account = indexes_.at(id);
  account.services_changed = ++version_;
  for (const NodeId node_id : account.nodes) {
    Node& node = nodes_.at(node_id);
    const auto host = node.hosting.find(name);
    const bool answered = std::ranges::find(node.hosted, name) != node.hosted.end();
    if (host == node.hosting.end() && !answered) continue;
    note_hosting(node);
    if (answered || (host != node.hosting.end() && host->second.offers)) {
      touch(node, {Facet::Routes});
    }
  }
}

void Registry::elect_carriers(AccountId id) {
  AccountIndex& account = indexes_.at(id);
  std::vector<Candidate<std::string>> hosts;
  for (const NodeId node_id : account.hosts) {
    const Node& node = nodes_.at(node_id);
    hosts.push_back({node_id, node.hosted, node.present});
  }
  std::map<std::string, NodeId> in_use;
  for (const auto& [name, service] : account.services) {
    if (service.carrier) in_use.emplace(name, *service.carrier);
  }
  const auto elected = nodes::elect(hosts, in_use);
  for (auto& [name, service] : account.services) {
    const auto winner = elected.find(name);
    const auto carrier =
        winner == elected.end() ? std::optional<NodeId>() : std::optional(winner->second);
    const auto before = std::exchange(service.carrier, carrier);
    if (before == carrier) continue;
    unsaved_carriers_.emplace(id, name);
    for (const auto& concerned : {before, carrier}) {
      if (!concerned) continue;
      const auto node = nodes_.find(*concerned);
      if (node != nodes_.end()) touch(node->second, {Facet::Routes});
    }
  }
}

Stored<void> Registry::save_carriers() {
  if (unsaved_carriers_.empty()) return {};
  std::vector<store::ServiceCarrier> batch;
  for (const auto& [account, name] : unsaved_carriers_) {
    if (const Service* service = find_service(account, name)) {
      batch.push_back({account, name, service->carrier});
    }
  }
  if (auto saved = storage_.save_service_carriers(batch); !saved) return saved;
  unsaved_carriers_.clear();
  return {};
}

}  // namespace aya::nodes
