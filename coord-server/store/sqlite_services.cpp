#include <array>

#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr std::array<std::string_view, 4> kApprovals = {"", "policy", "person", "refused"};

Service read_service(RowReader& row) {
  Service out;
  out.account = row.id<AccountId>();
  out.name = row.text();
  out.ipv4 = row.address();
  out.ipv6 = row.address();
  out.comment = row.text();
  out.annotations = row.text();
  out.ports = row.words();
  out.tags = row.words();
  return out;
}

// An unknown word lets nobody in.
ServiceHostRow read_service_host(RowReader& row) {
  ServiceHostRow out{row.id<NodeId>(), row.text(), {row.flag(), HostApproval::Refused}};
  const auto word = std::ranges::find(kApprovals, row.text());
  if (word != kApprovals.end()) {
    out.host.approval = static_cast<HostApproval>(word - kApprovals.begin());
  }
  return out;
}

ServiceCarrier read_carrier(RowReader& row) {
  return {row.id<AccountId>(), row.text(), row.id<NodeId>()};
}

}  // namespace

Stored<std::vector<Service>> SqliteStore::services() {
  return all(
      read_service, "account_id, name, ipv4, ipv6, comment, annotations, ports, tags",
      "services ORDER BY account_id, name", {});
}

Stored<std::vector<ServiceHostRow>> SqliteStore::service_hosts() {
  return all(
      read_service_host, "node_id, service, offers, approval",
      "service_hosts ORDER BY node_id, service", {});
}

Stored<std::vector<ServiceCarrier>> SqliteStore::service_carriers() {
  return all(
      read_carrier, "account_id, name, carrier",
      "services WHERE carrier IS NOT NULL ORDER BY account_id, name", {});
}

Stored<void> SqliteStore::create_service(const Service& service, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto inserted = db_.run(
        "INSERT INTO services (account_id, name, ipv4, ipv6, comment, annotations, ports, tags) "
        "VALUES (?,?,?,?,?,?,?,?)",
        {service.account, service.name, service.ipv4.to_text(), service.ipv6.to_text(),
         service.comment, service.annotations, words_column(service.ports),
         words_column(service.tags)});
    if (!inserted) return inserted;
    if (auto ended = end_rest(service); !ended) return ended;
    return log(audit);
  });
}

Stored<void> SqliteStore::update_service(
    const Service& service, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto resting = begin_rest(service, free_again); !resting) return resting;
    auto changed = change_one(
        "UPDATE services SET ipv4 = ?, ipv6 = ?, comment = ?, annotations = ?, ports = ?, "
        "tags = ? WHERE account_id = ? AND name = ?",
        {service.ipv4.to_text(), service.ipv6.to_text(), service.comment, service.annotations,
         words_column(service.ports), words_column(service.tags), service.account, service.name});
    if (!changed) return changed;
    if (auto ended = end_rest(service); !ended) return ended;
    return log(audit);
  });
}

Stored<void> SqliteStore::remove_service(
    const Service& service, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto resting = begin_rest(service, free_again); !resting) return resting;
    auto decided = db_.run(
        "DELETE FROM service_hosts WHERE service = ? AND offers = 0 AND node_id IN "
        "(SELECT id FROM nodes WHERE account_id = ?)",
        {service.name, service.account});
    if (!decided) return decided;
    auto undecided = db_.run(
        "UPDATE service_hosts SET approval = '' WHERE service = ? AND node_id IN "
        "(SELECT id FROM nodes WHERE account_id = ?)",
        {service.name, service.account});
    if (!undecided) return undecided;
    auto gone = change_one(
        "DELETE FROM services WHERE account_id = ? AND name = ?", {service.account, service.name});
    return gone ? log(audit) : gone;
  });
}

// What the service has in the file goes to rest; whoever had it was no node.
Stored<void> SqliteStore::begin_rest(const Service& service, WallTime free_again) {
  for (const char* address : {"ipv4", "ipv6"}) {
    const std::string rest =
        "INSERT OR REPLACE INTO quarantine (account_id, address, former_node, until) "
        "SELECT account_id, " +
        std::string(address) + ", 0, ? FROM services WHERE account_id = ? AND name = ?";
    auto begun = db_.run(rest.c_str(), {to_rfc3339(free_again), service.account, service.name});
    if (!begun) return begun;
  }
  return {};
}

Stored<void> SqliteStore::end_rest(const Service& service) {
  return db_.run(
      "DELETE FROM quarantine WHERE account_id = ? AND address IN (?,?)",
      {service.account, service.ipv4.to_text(), service.ipv6.to_text()});
}

Stored<void> SqliteStore::put_service_hosts(
    const std::vector<ServiceHostRow>& hosts, const std::optional<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const ServiceHostRow& row : hosts) {
      auto put =
          row.host.says_nothing()
              ? db_.run(
                    "DELETE FROM service_hosts WHERE node_id = ? AND service = ?",
                    {row.node, row.service})
              : db_.run(
                    "INSERT OR REPLACE INTO service_hosts (node_id, service, offers, approval) "
                    "VALUES (?,?,?,?)",
                    {row.node, row.service, row.host.offers,
                     kApprovals[static_cast<std::size_t>(row.host.approval)]});
      if (!put) return put;
    }
    return audit ? log(*audit) : Stored<void>();
  });
}

Stored<void> SqliteStore::save_service_carriers(const std::vector<ServiceCarrier>& carriers) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const ServiceCarrier& one : carriers) {
      const SqlValue node = one.node ? SqlValue(one.node->value) : SqlValue(nullptr);
      auto saved = db_.run(
          "UPDATE services SET carrier = ? WHERE account_id = ? AND name = ?",
          {node, one.account, one.service});
      if (!saved) return saved;
    }
    return {};
  });
}

}  // namespace aya::store
