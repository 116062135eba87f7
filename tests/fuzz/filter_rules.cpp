// Address texts of filter rules: a range is covered exactly at its ends.
#include "daemon/filter/address_set.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto set = filter::parse_address_set(text);
  if (!set) {
    AYA_CHECK(!set.error().empty());
    return 0;
  }
  if (const auto* prefixes = std::get_if<std::vector<Prefix>>(&*set)) {
    AYA_CHECK(!prefixes->empty() && prefixes->size() <= 254);
    for (const Prefix& prefix : *prefixes) AYA_CHECK(prefix.is_canonical());
  }
  return 0;
}
