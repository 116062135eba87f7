#include "coord-server/commands/endpoint_argument.h"

#include "proto/base/parse_number.h"
#include "proto/io/name_lookup.h"

namespace aya::coord {
namespace {

constexpr Duration kPatience = 10s;

Failure wrong(const std::string& text) {
  return {Exit::Usage, "\"" + text + "\": want HOST:PORT, as vpn.example:51820"};
}

}  // namespace

Result<std::vector<Endpoint>, Failure> endpoint_argument(const std::string& text) {
  if (const auto at = Endpoint::parse(text)) return std::vector{*at};
  const std::size_t colon = text.rfind(':');
  if (colon == 0 || colon == std::string::npos) return wrong(text);
  const std::string_view digits = std::string_view(text).substr(colon + 1);
  const std::uint16_t port = parse_number<std::uint16_t>(digits).value_or(0);
  if (port == 0) return wrong(text);
  const std::string host = text.substr(0, colon);
  if (host.find_first_of("[]: /") != std::string::npos) return wrong(text);
  io::Loop loop;
  std::optional<io::NameLookup::Answer> answer;
  const io::NameLookup lookup(
      loop, host, [&](io::NameLookup::Answer found) { answer = std::move(found); });
  loop.run_until([&] { return answer.has_value(); }, kPatience);
  if (!answer) return Failure{Exit::TimedOut, "nobody answers what addresses " + host + " has"};
  if (!*answer) return Failure{Exit::Failed, host + ": " + answer->error().detail};
  std::vector<Endpoint> out;
  for (const IpAddress& address : **answer) out.push_back({address, port});
  return out;
}

}  // namespace aya::coord
