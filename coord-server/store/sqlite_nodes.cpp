#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

Stored<std::vector<NodeRecord>> SqliteStore::nodes() {
  auto nodes =
      all(read_node, kNodeColumns, "nodes JOIN node_addresses ON node_id = id ORDER BY id", {});
  if (!nodes) return nodes;
  auto former = former_addresses();
  if (!former) return former.error();
  for (FormerAddressRow& row : *former) {
    const auto node = std::ranges::lower_bound(*nodes, row.node, {}, &NodeRecord::id);
    if (node != nodes->end() && node->id == row.node) node->former.push_back(row.former);
  }
  std::map<NodeId, NodeRecord*> by_id;
  for (NodeRecord& node : *nodes) by_id[node.id] = &node;
  bool damaged = false;
  auto walked = db_.rows(
      "SELECT node_id, name, value, expiry, comment FROM node_attributes", {},
      [&](const SqlRow& at) {
        RowReader row(at);
        const auto node = by_id.find(row.id<NodeId>());
        if (node == by_id.end()) return;
        std::string name = row.text();
        node->second->attributes[std::move(name)] = {row.text(), row.optional_time(), row.text()};
        damaged = damaged || row.failed();
      });
  if (!walked) return walked.error();
  if (damaged) return StoreError{StoreError::Kind::Damaged, "unreadable row in node_attributes"};
  if (auto read = read_wireguard(by_id); !read) return read.error();
  return nodes;
}

Stored<void> SqliteStore::set_attributes(
    NodeId node, const std::map<std::string, std::optional<NodeAttribute>>& changes,
    const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const auto& [name, attribute] : changes) {
      auto done =
          attribute
              ? db_.run(
                    "INSERT OR REPLACE INTO node_attributes (node_id, name, value, expiry, "
                    "comment) VALUES (?,?,?,?,?)",
                    {node, name, attribute->value, TimeColumn(attribute->expiry).value(),
                     attribute->comment})
              : db_.run("DELETE FROM node_attributes WHERE node_id = ? AND name = ?", {node, name});
      if (!done) return done;
    }
    return log(audit);
  });
}

Stored<NodeRecord> SqliteStore::create_node(
    NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit) {
  return db_.transaction<NodeRecord>([&]() -> Stored<NodeRecord> {
    if (auto used = redeem(redeemed); !used) return used.error();
    auto inserted = db_.run(
        "INSERT INTO nodes (account_id, user_id, stable_id, machine_key, node_key, label, "
        "label_is_chosen, ephemeral, authorized, created, key_expiry, disco_key, endpoints, "
        "home_region, capver, hostinfo, last_seen, approved_routes, answers_subdomains, tags, "
        "never_owned, primary_routes, forwarding_off) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {node.account,
         node.user,
         node.stable_id,
         node.machine.to_text(),
         node.node_key.to_text(),
         node.label,
         node.label_is_chosen,
         node.ephemeral,
         node.authorized,
         to_rfc3339(node.created),
         TimeColumn(node.key_expiry).value(),
         node.live.disco_key.to_text(),
         endpoints_column(node.live.endpoints),
         node.live.home_region,
         node.live.capver,
         hostinfo_column(node.live.hostinfo),
         TimeColumn(node.live.last_seen).value(),
         prefixes_column(node.approved_routes),
         node.answers_subdomains,
         words_column(node.tags),
         node.never_owned,
         prefixes_column(node.live.primary_routes),
         node.live.forwarding_off});
    if (!inserted) return inserted.error();
    node.id = NodeId{db_.last_row_id()};
    auto addressed = db_.run(
        "INSERT INTO node_addresses (node_id, account_id, ipv4, ipv6) VALUES (?,?,?,?)",
        {node.id, node.account, node.ipv4.to_text(), node.ipv6.to_text()});
    if (!addressed) return addressed.error();
    if (auto written = write_wireguard(node); !written) return written.error();
    audit.target_id = node.stable_id;
    if (auto logged = log(audit); !logged) return logged.error();
    return node;
  });
}

Stored<void> SqliteStore::update_node(
    const NodeRecord& node, std::optional<AuthKeyId> redeemed,
    const std::optional<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto used = redeem(redeemed); !used) return used;
    auto updated = change_one(
        "UPDATE nodes SET user_id = ?, node_key = ?, label = ?, label_is_chosen = ?, "
        "ephemeral = ?, authorized = ?, key_expiry = ?, disco_key = ?, endpoints = ?, "
        "home_region = ?, capver = ?, hostinfo = ?, last_seen = ?, approved_routes = ?, "
        "answers_subdomains = ?, tags = ?, never_owned = ?, primary_routes = ?, "
        "forwarding_off = ? WHERE id = ?",
        {node.user, node.node_key.to_text(), node.label, node.label_is_chosen, node.ephemeral,
         node.authorized, TimeColumn(node.key_expiry).value(), node.live.disco_key.to_text(),
         endpoints_column(node.live.endpoints), node.live.home_region, node.live.capver,
         hostinfo_column(node.live.hostinfo), TimeColumn(node.live.last_seen).value(),
         prefixes_column(node.approved_routes), node.answers_subdomains, words_column(node.tags),
         node.never_owned, prefixes_column(node.live.primary_routes), node.live.forwarding_off,
         node.id});
    if (!updated) return updated;
    if (auto written = write_wireguard(node); !written) return written;
    return audit ? log(*audit) : Stored<void>();
  });
}

Stored<void> SqliteStore::delete_node(NodeId node, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto kept = quarantine_addresses_of(node, free_again); !kept) return kept;
    if (auto gone = change_one("DELETE FROM nodes WHERE id = ?", {node}); !gone) return gone;
    return log(audit);
  });
}

Stored<void> SqliteStore::save_live(std::span<const std::pair<NodeId, const NodeLive*>> nodes) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const auto& [id, live] : nodes) {
      auto saved = db_.run(
          "UPDATE nodes SET disco_key = ?, endpoints = ?, home_region = ?, capver = ?, "
          "hostinfo = ?, last_seen = ?, primary_routes = ?, forwarding_off = ? WHERE id = ?",
          {live->disco_key.to_text(), endpoints_column(live->endpoints), live->home_region,
           live->capver, hostinfo_column(live->hostinfo), TimeColumn(live->last_seen).value(),
           prefixes_column(live->primary_routes), live->forwarding_off, id});
      if (!saved) return saved;
    }
    return {};
  });
}

}  // namespace aya::store
