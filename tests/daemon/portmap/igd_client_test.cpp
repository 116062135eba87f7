// UPnP gateways and their habits.
#include "daemon/portmap/igd_client.h"

#include <algorithm>

#include "tests/daemon/portmap/fake_gateway.h"

namespace aya::portmap {
namespace {

struct IgdBench : PortmapBench {
  IgdBench() { gateway.upnp = true; }
  std::uint16_t only_port() const {
    EXPECT_EQ(gateway.mapped.size(), 1u);
    return gateway.mapped.empty() ? std::uint16_t{0} : gateway.mapped.begin()->first;
  }
  int count(std::string_view action) const {
    return static_cast<int>(std::ranges::count(gateway.actions, action));
  }
};

using Actions = std::vector<std::string>;

TEST(IgdClient, AsksStepByStepAndChecksWhatItGot) {
  IgdBench bench;
  bench.want();
  EXPECT_EQ(
      bench.gateway.actions, (Actions{
                                 "GetStatusInfo", "GetExternalIPAddress", "AddPortMapping",
                                 "GetSpecificPortMappingEntry"}));
}

TEST(IgdClient, TakesThePortThatAVersion2GatewayGives) {
  IgdBench bench;
  bench.gateway.service = "urn:schemas-upnp-org:service:WANIPConnection:2";
  bench.want();
  EXPECT_EQ(bench.count("AddAnyPortMapping"), 1);
  EXPECT_EQ(bench.external(), "203.0.113.9:" + std::to_string(bench.only_port()));
}

TEST(IgdClient, TakesAPermanentLeaseWhereThereIsNoOtherAndDeletesItAtTheEnd) {
  IgdBench bench;
  bench.gateway.permanent_only = true;
  bench.want();
  EXPECT_EQ(bench.gateway.mapped.at(bench.only_port()).lease, 0u);
  bench.pass(3600s);
  bench.want();
  EXPECT_EQ(bench.count("AddPortMapping"), 3);  // remembered at the renewal
  bench.mapper.release(bench.now, bench.effects);
  bench.exchange();
  EXPECT_TRUE(bench.gateway.mapped.empty());
}

TEST(IgdClient, TriesOtherPortsOnConflict) {
  IgdBench bench;
  bench.gateway.conflicts = 3;
  bench.want();
  EXPECT_NE(bench.external(), "none");
  IgdBench crowded;
  crowded.gateway.conflicts = 4;
  crowded.want();
  EXPECT_EQ(crowded.external(), "none");
}

TEST(IgdClient, LeavesAGatewayAloneThatForbidsMapping) {
  for (const int code : {401, 501, 606}) {
    IgdBench bench;
    bench.gateway.add_error = code;
    bench.want();
    bench.gateway.add_error = 0;
    bench.pass(300s);
    bench.want();
    EXPECT_EQ(bench.count("AddPortMapping"), 1);
    bench.pass(301s);
    bench.want();
    EXPECT_NE(bench.external(), "none");
  }
}

TEST(IgdClient, TriesAgainSoonAfterAnotherError) {
  IgdBench bench;
  bench.gateway.add_error = 899;
  bench.want();
  bench.gateway.add_error = 0;
  bench.pass(20s);
  bench.want();
  EXPECT_NE(bench.external(), "none");
}

TEST(IgdClient, CorrectsAGatewayThatMappedAnotherPort) {
  IgdBench bench;
  bench.gateway.substitutes_port = true;
  bench.want();
  EXPECT_EQ(bench.count("DeletePortMapping"), 1);
  EXPECT_EQ(bench.gateway.mapped.at(bench.only_port()).internal, 41641);
}

TEST(IgdClient, DeletesTheOldMappingWhenARenewalLandsElsewhere) {
  IgdBench bench;
  bench.want();
  const auto before = bench.only_port();
  bench.gateway.conflicts = 1;
  bench.pass(3600s);
  bench.want();
  EXPECT_NE(bench.only_port(), before);
  EXPECT_EQ(bench.changed, 2);
}

TEST(IgdClient, DoesNotMapWithoutAnAddressOutside) {
  for (const char* outside : {"", "0.0.0.0", "127.0.0.1", "nowhere"}) {
    IgdBench bench;
    bench.gateway.outside = outside;
    bench.want();
    EXPECT_TRUE(bench.gateway.mapped.empty()) << outside;
    EXPECT_EQ(bench.external(), "none");
  }
}

TEST(IgdClient, MapsOnAConnectionThatSaysItIsDownIfThereIsNoBetter) {
  IgdBench bench;
  bench.gateway.status = "Connecting";
  bench.want();
  EXPECT_NE(bench.external(), "none");
}

TEST(IgdClient, FindsNoMappingWithoutADescription) {
  IgdBench bench;
  bench.gateway.description_status = 404;
  bench.want();
  EXPECT_EQ(bench.external(), "none");
  EXPECT_TRUE(bench.gateway.actions.empty());
}

TEST(IgdClient, IgnoresAnswersToRequestsItHasGivenUp) {
  test::CountingRng rng;
  IgdClient client(rng);
  IgdClient::Effects out;
  client.begin({*GatewayUrl::parse("http://192.168.1.1/d")}, {}, out);
  const auto id = out.fetch.at(0).id;
  client.abandon();
  out.clear();
  client.on_reply(id, std::nullopt, out);
  client.on_reply(0, std::nullopt, out);
  EXPECT_FALSE(out.failed);
}

TEST(IgdClient, TakesTheConnectionThatIsUpAndPublic) {
  test::CountingRng rng;
  IgdClient client(rng);
  IgdClient::Effects out;
  const auto url = *GatewayUrl::parse("http://192.168.1.1/d");
  client.begin({url}, {*Endpoint::parse("192.168.1.7:41641"), 0}, out);
  const auto answer = [&](const std::string& body) {
    const auto id = out.fetch.back().id;
    out.clear();
    client.on_reply(id, IgdReply{200, body}, out);
  };
  const auto address = [](const std::string& text) {
    return "<NewExternalIPAddress>" + text + "</NewExternalIPAddress>";
  };
  const std::string up = "<NewConnectionStatus>Connected</NewConnectionStatus>";
  const auto service = [](const std::string& type, const std::string& path) {
    return "<service><serviceType>urn:schemas-upnp-org:service:" + type +
           "</serviceType><controlURL>" + path + "</controlURL></service>";
  };
  answer(service("WANPPPConnection:1", "/ppp") + service("WANIPConnection:1", "/ip"));
  EXPECT_EQ(out.fetch[0].url.path, "/ip");
  answer(up);
  answer(address("10.0.0.1"));
  EXPECT_EQ(out.fetch[0].url.path, "/ppp");
  answer(up);
  answer(address("203.0.113.9"));
  EXPECT_EQ(out.fetch[0].url.path, "/ppp");
  EXPECT_NE(out.fetch[0].call->action.find("#AddPortMapping"), std::string::npos);
}

TEST(IsPublic, KnowsTheAddressesOfNats) {
  for (const char* inside :
       {"10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "169.254.1.1", "0.0.0.0"}) {
    EXPECT_FALSE(is_public(*IpAddress::parse(inside))) << inside;
  }
  for (const char* outside : {"203.0.113.9", "100.63.255.255", "100.128.0.0", "2001:db8::1"}) {
    EXPECT_TRUE(is_public(*IpAddress::parse(outside))) << outside;
  }
}

}  // namespace
}  // namespace aya::portmap
