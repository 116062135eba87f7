// Prefs and edits of prefs: what is read can be printed and read again to the same, and an edit
// applied twice is an edit applied once.
#include "proto/base/check.h"
#include "proto/base/bytes.h"
#include "proto/local/prefs.h"
#include "proto/local/start_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json = aya::as_text(std::as_bytes(std::span(data, size)));
  using namespace aya::local;
  if (const auto prefs = parse_prefs(json)) {
    const auto again = parse_prefs(to_json(*prefs));
    AYA_CHECK(again.has_value());
    AYA_CHECK(to_json(*again) == to_json(*prefs));
  }
  if (const auto edit = parse_masked_prefs(json); edit && !refusal(*edit)) {
    const Prefs once = apply(*edit, Prefs{});
    AYA_CHECK(apply(*edit, once) == once);
  }
  (void)parse_start_request(json);
  return 0;
}
