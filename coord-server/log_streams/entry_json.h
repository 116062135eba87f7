// A line of the audit log as JSON (interfaces 1.11). For .cpp files only: it brings in the JSON
// library.
#pragma once

#include <nlohmann/json.hpp>

#include "coord-server/store/audit.h"

namespace aya::log_streams {

nlohmann::json entry_json(const store::AuditEntry& entry);

// Texts from nodes may hold anything: what is not UTF-8 is replaced instead of refused.
std::string text_of(const nlohmann::json& json);

}  // namespace aya::log_streams
