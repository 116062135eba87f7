#include "proto/netaddr/endpoint.h"

#include "proto/base/parse_number.h"

namespace aya {

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);

  const auto address = IpAddress::parse(host);
  if (!address || address->is_v6() != bracketed) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(digits);
  if (!port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Endpoint::to_text() const {
  std::string out = address.is_v6() ? "[" : "";
  out.append(address.to_text());
  if (address.is_v6()) out.push_back(']');
  out.push_back(':');
  out.append(std::to_string(port));
  return out;
}

}  // namespace aya
