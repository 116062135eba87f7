// Small files, read and written whole, with errors that say what to do.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "coord-server/app/config.h"

namespace aya::coord {

Result<std::string, StartError> read_file(const std::string& path);
// Must not exist yet. On the disk when this returns.
Result<void, StartError> create_file(const std::string& path, std::string_view text, mode_t mode);

// "cannot write PATH: the disk is full; ..." from errno.
StartError file_error(const std::string& doing, const std::string& path, int error);

}  // namespace aya::coord
