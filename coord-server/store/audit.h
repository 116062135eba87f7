// The audit log beyond what records.h says of a line: lines by number, and whether the log is still
// what was written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

// A line of the audit log; numbers grow, over all networks.
struct AuditLine {
  std::int64_t number = 0;
  AuditEntry entry;
  AuditHash hash{};  // binds it to all lines of its account before it
};

// A place where a log is not what was written.
struct AuditFault {
  enum class Kind {
    Changed,    // the line says something else than it did
    Misplaced,  // it does not follow the one before it: lines were removed, put in or moved
    CutOff,     // the newest lines are gone
  };
  Kind kind = Kind::Changed;
  std::int64_t line = 0;  // the last one there is where that is cut off
};

struct AuditWalk {
  std::size_t lines = 0;   // looked at
  std::int64_t up_to = 0;  // the last of them
  bool at_end = false;     // there are no more
  AuditHash hash{};        // of the last one
  std::vector<AuditFault> faults;
};

class AuditStore {
 public:
  virtual ~AuditStore() = default;

  // Of something that changes nothing else.
  virtual Stored<void> add_audit_entry(const AuditEntry& audit) = 0;
  // The audit log, oldest first, at most `limit` of the newest that `wanted` lets through.
  virtual Stored<std::vector<AuditEntry>> audit_log(
      AccountId account, const AuditQuery& wanted, std::size_t limit) = 0;

  // Lines after that one, oldest first, of all networks.
  virtual Stored<std::vector<AuditLine>> audit_after(std::int64_t line, std::size_t limit) = 0;
  // The same of one network.
  virtual Stored<std::vector<AuditLine>> audit_of_after(
      AccountId account, std::int64_t line, std::size_t limit) = 0;
  // The greatest number there is, 0 for none. Cheap while nothing is written.
  virtual std::int64_t newest_audit_line() = 0;

  // Does the log of this account hold from that line on? At most `limit` lines are looked at.
  virtual Stored<AuditWalk> check_audit(
      AccountId account, std::int64_t after, std::size_t limit) = 0;
};

}  // namespace aya::store
