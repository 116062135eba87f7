// Everything a gateway, or somebody who pretends to be one, may say: the parsers alone, then a
// mapper that is told the input piece by piece, as datagrams and as pages.
#include "daemon/portmap/port_mapper.h"
#include "daemon/portmap/xml_scan.h"
#include "proto/base/check.h"
#include "tests/support/counting_rng.h"

namespace {

using namespace aya::portmap;

void parse_all(aya::Bytes input) {
  const std::string_view text = aya::as_text(input);
  (void)parse_pmp(input);
  if (const auto mapping = parse_pcp_mapping(input, {})) AYA_CHECK(mapping->header.op == 0x81);
  if (const auto answer = parse_ssdp(text)) AYA_CHECK(answer->location.size() <= text.size());
  if (const auto url = GatewayUrl::parse(text)) {
    AYA_CHECK(GatewayUrl::parse(url->to_text()) == url);
    AYA_CHECK(url->path.find_first_of(" \r\n") == std::string::npos);
  }
  const auto from = *GatewayUrl::parse("http://192.168.1.1:5000/root.xml");
  for (const IgdService& service : parse_igd_description(text, from)) {
    AYA_CHECK(service.control.server.address == from.server.address);
  }
  (void)parse_soap(500, text);
}

void tell_mapper(aya::Bytes input) {
  aya::test::CountingRng rng;
  PortMapper mapper(rng);
  PortMapper::Effects out;
  aya::TimePoint now{};
  const aya::Endpoint gateway{aya::IpAddress::v4(0xc0a80101), kGatewayPort};
  mapper.set_network(
      PortMapper::Network{gateway.address, aya::IpAddress::v4(0xc0a80107)}, now, out);
  mapper.set_local_port(0xa2a9, now, out);
  while (input.size() > 2) {
    const auto what = static_cast<unsigned>(input[0]);
    const auto length = std::min<std::size_t>(static_cast<std::size_t>(input[1]), input.size() - 2);
    const aya::Bytes piece = input.subspan(2, length);
    input = input.subspan(2 + length);
    mapper.want(now, out);
    std::optional<std::uint64_t> waiting;
    if (!out.fetch.empty()) waiting = out.fetch.back().id;
    if (what % 4 == 0) mapper.receive(gateway, piece, now, out);
    if (what % 4 == 1) mapper.receive({gateway.address, kSsdpPort}, piece, now, out);
    if (what % 4 == 2 && waiting) {
      const int status = what & 4 ? 500 : 200;
      mapper.on_fetched(*waiting, IgdReply{status, aya::as_text(piece)}, now, out);
    }
    if (what % 4 == 3) now += std::chrono::milliseconds(what);
    mapper.advance(now, out);
    if (const auto at = mapper.external(now)) AYA_CHECK(at->port != 0 && is_public(at->address));
    for (const IgdRequest& request : out.fetch) {
      AYA_CHECK(request.url.server.address == gateway.address);
    }
  }
  mapper.set_network(std::nullopt, now, out);
  AYA_CHECK(!mapper.next_deadline());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const aya::Bytes input = std::as_bytes(std::span(data, size));
  parse_all(input);
  tell_mapper(input);
  return 0;
}
