// Packets from inside the tunnel that may announce a disco key.
#include "daemon/path/tsmp_announcement.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = aya::path::parse_announcement(std::as_bytes(std::span(data, size)));
  if (key) AYA_CHECK(!key->is_zero() && size >= 20 + 1 + key->kSize);
  return 0;
}
