// Backups of an installation: one file that holds its database as it was at one moment, its
// configuration and the certificate made here. Taking one disturbs no server that runs.
//
// A restore is laid down first, checked and whole, and takes effect when no server has the database
// open: at once, or when the one that runs starts anew. What was there before is kept in
// coord.db.before-restore.
#pragma once

#include "coord-server/app/installation.h"

namespace aya::coord {

Result<void, StartError> back_up_installation(
    const Installation& installation, const std::string& file);

// Is the database sound? Also while a server works with it.
Result<void, StartError> check_database(const Installation& installation);

// Checks FILE and lays it down in a folder that may be empty or not there yet. Files besides the
// database are written only where there are none.
Result<void, StartError> lay_down_restore(const std::string& file, const Places& places);

// Does what was laid down, if anything was. Called with the database closed.
Result<bool, StartError> apply_restore(const Places& places);

}  // namespace aya::coord
