// Everything a gateway, or somebody who pretends to be one, may say: the parsers alone, then a
// mapper that is told the input piece by piece, as datagrams and as answers to UPnP calls.
#include "daemon/portmap/port_mapper.h"
#include "proto/base/check.h"
#include "tests/support/seeded_rng.h"

namespace {

using namespace aya::portmap;

// Answers every call by the next line of the input.
class Liar final : public Igd {
 public:
  explicit Liar(std::string_view said) : said_(said) {}
  std::optional<Description> describe(const std::string&) override {
    return Description{line(), {{line(), line()}, {line(), line()}}};
  }
  std::string status(const Service& service) override { return about(service); }
  std::string external_address(const Service& service) override { return about(service); }
  UpnpError add(const Service& service, const Mapping& mapping) override {
    AYA_CHECK(mapping.external_port >= 1024);
    return code(about(service));
  }
  Added add_any(const Service& service, const Mapping& mapping) override {
    return {add(service, mapping), line()};
  }
  Found find(const Service& service, std::uint16_t) override {
    return {code(about(service)), line(), line()};
  }
  void remove(const Service& service, std::uint16_t) override { about(service); }

 private:
  std::string line() {
    const auto end = std::min(said_.find('\n'), said_.size());
    const std::string out(said_.substr(0, end));
    said_.remove_prefix(std::min(end + 1, said_.size()));
    return out;
  }
  std::string about(const Service& service) {
    const auto url = GatewayUrl::parse(service.control_url);
    AYA_CHECK(url && url->server.address == aya::IpAddress::v4(0xc0a80101));
    return line();
  }
  static UpnpError code(const std::string& text) { return UpnpError{std::atoi(text.c_str())}; }

  std::string_view said_;
};

void parse_all(aya::Bytes input) {
  const std::string_view text = aya::as_text(input);
  (void)parse_pmp(input);
  if (const auto mapping = parse_pcp_mapping(input, {})) AYA_CHECK(mapping->header.op == 0x81);
  if (const auto answer = parse_ssdp(text)) AYA_CHECK(answer->location.size() <= text.size());
  if (const auto url = GatewayUrl::parse(text)) {
    AYA_CHECK(GatewayUrl::parse(url->to_text()) == url);
    AYA_CHECK(url->path.find_first_of(" \r\n") == std::string::npos);
  }
}

void tell_mapper(aya::Bytes input) {
  aya::test::SeededRng rng;
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
    if (what % 4 == 0) mapper.receive(gateway, piece, now, out);
    if (what % 4 == 1) mapper.receive({gateway.address, kSsdpPort}, piece, now, out);
    if (what % 4 == 2 && out.ask_upnp) {
      for (const auto& url : out.ask_upnp->descriptions) {
        AYA_CHECK(url.server.address == gateway.address);
      }
      Liar liar(aya::as_text(piece));
      mapper.on_upnp(map_by_upnp(*out.ask_upnp, liar, rng), now, out);
    }
    if (what % 4 == 3) now += std::chrono::milliseconds(what);
    mapper.advance(now, out);
    if (const auto at = mapper.external(now)) AYA_CHECK(at->port != 0 && is_public(at->address));
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
