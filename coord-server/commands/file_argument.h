// A file that a verb is given, "-" being standard input.
#pragma once

#include <string>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"

namespace aya::coord {

Result<std::string, Failure> file_argument(const std::string& name);

}  // namespace aya::coord
