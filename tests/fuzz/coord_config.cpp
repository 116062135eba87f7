// A configuration that can be read is written back as one that means the same.
#include "coord-server/app/config.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = aya::coord::parse_config(text, "config");
  if (!config) {
    AYA_CHECK(!config.error().text.empty());
    return 0;
  }
  const auto again = aya::coord::parse_config(aya::coord::config_text(*config), "config");
  AYA_CHECK(again && again->server_url == config->server_url && again->listen == config->listen);
  AYA_CHECK(again->stun_listen == config->stun_listen && again->tls_cert == config->tls_cert);
  return 0;
}
