// Lease files of DHCP clients, and the mark that an administrator chooses.
#include <algorithm>

#include "daemon/os/dhcp_servers.h"
#include "daemon/os/marks.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // No server without its line.
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  AYA_CHECK(aya::os::parse_dhcp_servers(text).size() <= lines);
  if (const auto mark = aya::os::BypassMark::parse(text)) {
    const std::uint32_t other = mark->second_bit();
    AYA_CHECK(other != 0 && (other & mark->mask) == other && (other & mark->value) == 0);
  }
  return 0;
}
