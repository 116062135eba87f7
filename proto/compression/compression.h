// Bytes made smaller, in the two forms that HTTP knows as gzip and zstd. Pure. nullopt: there was
// no memory for it.
#pragma once

#include <optional>

#include "proto/base/bytes.h"

namespace aya::compression {

std::optional<Buffer> gzip(Bytes from);
std::optional<Buffer> zstd(Bytes from);

}  // namespace aya::compression
