// Plain WireGuard devices: what their nodes have besides what every node has.
#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

// An address that may be absent. Owns the text a SqlValue borrows.
class AddressColumn {
 public:
  explicit AddressColumn(const std::optional<IpAddress>& address) {
    if (address) text_ = address->to_text();
  }
  SqlValue value() const { return text_ ? SqlValue(*text_) : SqlValue(nullptr); }

 private:
  std::optional<std::string> text_;
};

std::string addresses_column(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> words;
  for (const IpAddress& address : addresses) words.push_back(address.to_text());
  return words_column(words);
}

bool parse_addresses(const std::vector<std::string>& words, std::vector<IpAddress>& out) {
  for (const std::string& word : words) {
    const auto address = IpAddress::parse(word);
    if (!address) return false;
    out.push_back(*address);
  }
  return true;
}

}  // namespace

Stored<void> SqliteStore::read_wireguard(const std::map<NodeId, NodeRecord*>& into) {
  bool damaged = false;
  auto devices = db_.rows(
      "SELECT node_id, public_key, resolvers, clients_only FROM wireguard_devices", {},
      [&](const SqlRow& at) {
        RowReader row(at);
        const auto node = into.find(row.id<NodeId>());
        if (node == into.end()) return;
        WireguardDevice& device = node->second->wireguard.emplace();
        device.key = row.key<NodePublicKey>();
        damaged = damaged || !parse_addresses(row.words(), device.resolvers);
        device.clients_only = row.flag();
        damaged = damaged || row.failed();
      });
  if (!devices) return devices;
  auto clients = db_.rows(
      "SELECT node_id, client_id, public_key, ipv4, ipv6 FROM wireguard_clients", {},
      [&](const SqlRow& at) {
        RowReader row(at);
        const auto node = into.find(row.id<NodeId>());
        if (node == into.end() || !node->second->wireguard) return;
        WireguardClient& client = node->second->wireguard->clients[row.id<NodeId>()];
        client.key = row.key<NodePublicKey>();
        client.ipv4 = row.optional_address();
        client.ipv6 = row.optional_address();
        damaged = damaged || row.failed();
      });
  if (!clients) return clients;
  if (damaged) return StoreError{StoreError::Kind::Damaged, "unreadable row of a WireGuard device"};
  return {};
}

// Within the transaction of whoever writes the node.
Stored<void> SqliteStore::write_wireguard(const NodeRecord& node) {
  if (!node.wireguard) return {};
  const WireguardDevice& device = *node.wireguard;
  auto gone = db_.run("DELETE FROM wireguard_devices WHERE node_id = ?", {node.id});
  if (!gone) return gone;
  auto written = db_.run(
      "INSERT INTO wireguard_devices (node_id, account_id, public_key, resolvers, clients_only) "
      "VALUES (?,?,?,?,?)",
      {node.id, node.account, device.key.to_text(), addresses_column(device.resolvers),
       device.clients_only});
  if (!written) return written;
  for (const auto& [id, client] : device.clients) {
    const AddressColumn ipv4(client.ipv4), ipv6(client.ipv6);
    auto added = db_.run(
        "INSERT INTO wireguard_clients (node_id, client_id, public_key, ipv4, ipv6) "
        "VALUES (?,?,?,?,?)",
        {node.id, id, client.key.to_text(), ipv4.value(), ipv6.value()});
    if (!added) return added;
  }
  return {};
}

}  // namespace aya::store
