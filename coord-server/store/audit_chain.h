// The audit log as a chain (interfaces 8.3): the lines of an account in their order, each with a
// hash over what it says and the hash of the line before it. Whoever changes, removes or moves a
// line afterwards leaves a place where the chain does not hold.
//
// A chain proves nothing against somebody who computes all of it anew. For that its newest hash has
// to be kept elsewhere, where log streams carry it.
#pragma once

#include <span>
#include <string_view>

#include "coord-server/store/audit.h"
#include "proto/base/bytes.h"

namespace aya::store {

class SqliteDatabase;

inline constexpr AuditHash kBeforeTheFirst{};

// Of a line with these columns, as texts and in the order of kAuditColumns behind the account.
AuditHash chained(
    const AuditHash& before, AccountId account, std::span<const std::string_view> columns);

// Of a column; one that holds no hash is none.
AuditHash hash_in(Bytes blob);

// Lines that were written before there was a chain; it begins with them.
Stored<void> chain_old_lines(SqliteDatabase& database);

// Lines of the account after that one, at most `limit`, each against the one before it. A walk
// that reaches the newest line also sees whether lines behind it are gone.
Stored<AuditWalk> walk_chain(
    SqliteDatabase& database, AccountId account, std::int64_t after, std::size_t limit);

}  // namespace aya::store
