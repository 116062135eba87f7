// Any text is parsed or refused; what parses means the same with its comments blanked out.
#include "coord-server/hujson/hujson.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = aya::hujson::parse(text);
  if (!value) {
    AYA_CHECK(value.error().at.line >= 1 && value.error().at.column >= 1);
    return 0;
  }
  const std::string bare = aya::hujson::without_comments(text);
  AYA_CHECK(bare.size() == size);
  const auto again = aya::hujson::parse(bare);
  AYA_CHECK(again && aya::hujson::to_json(*again) == aya::hujson::to_json(*value));
  return 0;
}
