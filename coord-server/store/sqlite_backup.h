// Whole copies of a database: taken while others write to it, checked before anybody relies on
// them, and put in the place of another one.
#pragma once

#include <map>
#include <string>

#include "coord-server/store/stored.h"

namespace aya::store {

// Files that belong to an installation besides its database, by name.
using Attachments = std::map<std::string, std::string>;

// As the database was at one moment, with the attachments in it, in one new file (mode 0600) that
// is on the disk when this returns. Refuses to overwrite.
Stored<void> back_up(
    const std::string& database, const std::string& copy, const Attachments& attachments);

// A sound database of this program, of this version or an older one? Its attachments.
Stored<Attachments> check_backup(const std::string& copy);

// The database becomes what the copy is: wholly, or not at all if this is cut off. Nobody else may
// have it open.
Stored<void> restore_backup(const std::string& copy, const std::string& database);

}  // namespace aya::store
