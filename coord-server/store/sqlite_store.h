// The store in one SQLite file, in WAL mode with synchronous=FULL: a change that was acknowledged
// is on the disk. Readers of the file (sqlite3, backups) may look at any time.
#pragma once

#include "coord-server/store/store.h"

namespace aya::store {

// Opens or creates `path` (mode 0600) and brings its schema up to date. The folder must exist.
Stored<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace aya::store
