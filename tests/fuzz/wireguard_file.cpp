// Whatever a company sends: it is read or refused with a reason, and what is read can be used.
#include "coord-server/commands/wireguard_file.h"
#include "proto/base/check.h"
#include "proto/keys/wireguard_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = aya::coord::parse_wireguard_file(text);
  if (!file) {
    AYA_CHECK(!file.error().empty());
    return 0;
  }
  AYA_CHECK(!file->peer.is_zero() && !file->endpoint.empty() && !file->allowed_ips.empty());
  for (const auto& prefix : file->allowed_ips) AYA_CHECK(prefix.is_canonical());
  const std::string key = aya::key_text::wireguard_form(file->peer);
  AYA_CHECK(aya::key_text::parse_wireguard(key) == file->peer);
  return 0;
}
