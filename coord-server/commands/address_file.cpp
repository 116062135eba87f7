#include "coord-server/commands/address_file.h"

#include <algorithm>

namespace aya::coord {
namespace {

constexpr std::string_view kBlanks = " \t\r\"";  // spreadsheets quote what they like

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

Failure bad_line(std::size_t number, std::string_view line) {
  return {
      Exit::Usage, "line " + std::to_string(number) + ": want NODE,ADDRESS and not \"" +
                       std::string(line) + '"'};
}

bool is_heading(std::string_view node, std::string_view address) {
  return (node == "node" || node == "name") && (address == "address" || address == "ip");
}

}  // namespace

Result<std::vector<PlanLine>, Failure> parse_address_file(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the mark some editors begin with
  std::vector<PlanLine> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = trimmed(whole.substr(0, whole.find('#')));
    if (line.empty()) continue;
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) return bad_line(number, line);
    const std::string_view node = trimmed(line.substr(0, comma));
    const std::string_view address = trimmed(line.substr(comma + 1));
    if (node.empty() || address.empty() || address.find(',') != std::string_view::npos) {
      return bad_line(number, line);
    }
    if (is_heading(node, address)) continue;
    out.push_back({number, std::string(node), std::string(address)});
  }
  if (out.empty()) return Failure{Exit::Usage, "the plan has no lines"};
  return out;
}

}  // namespace aya::coord
