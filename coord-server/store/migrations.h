// The schema and its history: numbered steps, each run once, each in one transaction. The number
// reached stands in the file itself (PRAGMA user_version), so a file says what it needs.
//
// A step that has been released never changes; a new one is appended.
#pragma once

#include "coord-server/store/sqlite_database.h"

namespace aya::store {

// Refuses a file that a newer version of the program has written.
Stored<void> migrate(SqliteDatabase& database);

// The number of steps that this version knows.
int newest_schema();

}  // namespace aya::store
