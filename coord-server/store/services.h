// Services: names with addresses of their own in a network, which one or several of its nodes
// answer for (interfaces 1.13, control 8.2).
//
// An address of a service belongs to nobody else: no node, former address, alias or other service
// has it, and no node of the account is called by its name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct Service {
  AccountId account;
  std::string name;  // "svc:web"; unique in the account
  IpAddress ipv4, ipv6;
  std::string comment;
  std::string annotations = "{}";  // JSON object of texts, for programs that manage services
  std::vector<std::string> ports;  // "tcp:443"
  std::vector<std::string> tags;
  friend bool operator==(const Service&, const Service&) = default;
};

// May the node answer for the service, and who says so? What a person decided no policy changes.
enum class HostApproval { Undecided, ByPolicy, ByPerson, Refused };

struct ServiceHost {
  bool offers = false;  // it would answer, as far as it last said
  HostApproval approval = HostApproval::Undecided;

  bool approved() const {
    return approval == HostApproval::ByPolicy || approval == HostApproval::ByPerson;
  }
  bool says_nothing() const { return !offers && approval == HostApproval::Undecided; }
  friend bool operator==(const ServiceHost&, const ServiceHost&) = default;
};

// A node and a service, which need not be there (yet).
struct ServiceHostRow {
  NodeId node;
  std::string service;
  ServiceHost host;
};

// Which of its hosts a service is reached at.
struct ServiceCarrier {
  AccountId account;
  std::string service;
  std::optional<NodeId> node;
};

class ServiceStore {
 public:
  virtual ~ServiceStore() = default;

  virtual Stored<std::vector<Service>> services() = 0;
  virtual Stored<std::vector<ServiceHostRow>> service_hosts() = 0;
  virtual Stored<std::vector<ServiceCarrier>> service_carriers() = 0;  // that are known

  // Taken: an address, or the name among nodes, belongs to somebody else.
  virtual Stored<void> create_service(const Service& service, const AuditEntry& audit) = 0;
  // Addresses it leaves rest until `free_again`.
  virtual Stored<void> update_service(
      const Service& service, WallTime free_again, const AuditEntry& audit) = 0;
  virtual Stored<void> remove_service(
      const Service& service, WallTime free_again, const AuditEntry& audit) = 0;

  // Each replaces what was known of that pair; `audit` where a person should see it.
  virtual Stored<void> put_service_hosts(
      const std::vector<ServiceHostRow>& hosts, const std::optional<AuditEntry>& audit) = 0;
  // Services that have gone in the meantime are passed over.
  virtual Stored<void> save_service_carriers(const std::vector<ServiceCarrier>& carriers) = 0;
};

}  // namespace aya::store
