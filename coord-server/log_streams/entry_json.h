// A line of the audit log as JSON (interfaces 1.11). For .cpp files only: it brings in the JSON
// library.
#pragma once

#include <nlohmann/json.hpp>

#include "coord-server/store/audit.h"

namespace aya::log_streams {

nlohmann::json entry_json(const store::AuditEntry& entry);

}  // namespace aya::log_streams
