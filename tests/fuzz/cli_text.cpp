// Names and messages of strangers on their way to a terminal: nothing that could move its cursor or
// reorder a line is left, and durations are read as they are written.
#include "cli/flags.h"
#include "cli/text.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace {

using namespace aya::cli;

void check_harmless(const std::string& text, bool may_have_lines) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    AYA_CHECK((byte >= 0x20 && byte != 0x7f) || (may_have_lines && (c == '\n' || c == '\t')));
  }
  for (const char* mark : {"\u061c", "\u202e", "\u2066", "\u200f", "\u0085", "\u009b", "\ufeff"}) {
    AYA_CHECK(text.find(mark) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = aya::as_text(std::as_bytes(std::span(data, size)));
  const std::string shown = printable(text);
  check_harmless(shown, false);
  check_harmless(printable_lines(text), true);
  AYA_CHECK(printable(shown) == shown);
  AYA_CHECK(width(shown) <= shown.size());
  if (const auto duration = parse_go_duration(text)) {
    AYA_CHECK(parse_go_duration(go_duration(*duration)) == duration);
  }
  AYA_CHECK(join(split(text, ' '), " ") == text);

  Flags flags;
  bool json = false;
  std::uint64_t count = 0;
  aya::Duration timeout{};
  std::optional<std::string> name;
  flags.boolean("json", json, "");
  flags.number("c", count, "");
  flags.duration("timeout", timeout, "");
  flags.text("name", name, "");
  const auto rest = flags.parse(split(text, ' '));
  if (!rest) AYA_CHECK(rest.error().help || !rest.error().text.empty());
  return 0;
}
