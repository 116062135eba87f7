// A composed mail, read back as mail programs do.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aya::test {

struct MailText {
  std::vector<std::pair<std::string, std::string>> headers;  // unfolded, in order
  std::string text;                                          // lines end with '\n'

  // nullopt: no mail, or with lines that servers do not take.
  static std::optional<MailText> read(std::string_view mail);
  std::string header(std::string_view name) const;  // encoded words decoded
};

}  // namespace aya::test
