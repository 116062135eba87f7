#include "daemon/portmap/igd_messages.h"

#include <gtest/gtest.h>

#include "daemon/portmap/xml_scan.h"

namespace aya::portmap {
namespace {

GatewayUrl url(std::string_view text) { return *GatewayUrl::parse(text); }
const GatewayUrl kFrom = url("http://192.168.1.1:5000/d/root.xml");

std::string service(std::string_view type, std::string_view control) {
  return "<service><serviceType>" + std::string(type) + "</serviceType><controlURL>" +
         std::string(control) + "</controlURL></service>";
}
const std::string kIp1 = "urn:schemas-upnp-org:service:WANIPConnection:1";
const std::string kIp2 = "urn:schemas-upnp-org:service:WANIPConnection:2";
const std::string kPpp = "urn:schemas-upnp-org:service:WANPPPConnection:1";

TEST(IgdDescription, NamesItsServicesTheBestFirst) {
  const auto services = parse_igd_description(
      "<root>" + service("urn:x:Layer3Forwarding:1", "/l3") + service(kPpp, "/ppp") +
          service(kIp1, "ip1") + service(kIp2, "http://192.168.1.1:6000/ip2") + "</root>",
      kFrom);
  ASSERT_EQ(services.size(), 3u);
  EXPECT_EQ(services[0].control, url("http://192.168.1.1:6000/ip2"));
  EXPECT_TRUE(services[0].gives_any_port());
  EXPECT_EQ(services[1].control, url("http://192.168.1.1:5000/d/ip1"));
  EXPECT_EQ(services[2].control, url("http://192.168.1.1:5000/ppp"));
}

TEST(IgdDescription, LeadsToNoOtherHost) {
  EXPECT_TRUE(parse_igd_description(service(kIp1, "http://192.168.1.2/c"), kFrom).empty());
  const auto based = parse_igd_description(
      "<r><URLBase>http://10.0.0.1/</URLBase>" + service(kIp1, "/c") + "</r>", kFrom);
  ASSERT_EQ(based.size(), 1u);
  EXPECT_EQ(based[0].control, url("http://192.168.1.1:5000/c"));
}

TEST(IgdDescription, IsReadInAnyDress) {
  const auto services = parse_igd_description(
      "\xef\xbb\xbf<?xml version=\"1.0\"?><!-- <service> --><d:root xmlns:d='u'><d:service "
      "a=\"b\">\r\n"
      "<d:serviceType> " +
          kIp1 +
          "\r\n</d:serviceType><d:controlURL><![CDATA[/c?a=1&b=2]]>"
          "</d:controlURL><x/></d:service></d:root>",
      kFrom);
  ASSERT_EQ(services.size(), 1u);
  EXPECT_EQ(services[0].control.path, "/c?a=1&b=2");
}

TEST(IgdDescription, IsRefusedWhenItIsNotOne) {
  EXPECT_TRUE(parse_igd_description("", kFrom).empty());
  EXPECT_TRUE(parse_igd_description("<html>hello", kFrom).empty());
  const std::string good = service(kIp1, "/c");
  EXPECT_FALSE(parse_igd_description(good, kFrom).empty());
  EXPECT_TRUE(parse_igd_description("<!DOCTYPE x [<!ENTITY a 'b'>]>" + good, kFrom).empty());
  EXPECT_TRUE(parse_igd_description(good + "<!-- open", kFrom).empty());
  EXPECT_TRUE(parse_igd_description(good + std::string(kMaxIgdDocument, ' '), kFrom).empty());
}

TEST(XmlScan, ResolvesTheFiveEntitiesAndLeavesOthersAlone) {
  XmlScan scan("a&lt;b&amp;c&#65;&#x42;&nbsp;&#999;& d");
  ASSERT_EQ(scan.next(), XmlScan::Event::Text);
  EXPECT_EQ(scan.plain(), "a<b&cAB&nbsp;&#999;& d");
  EXPECT_EQ(scan.next(), XmlScan::Event::End);
}

TEST(SoapCalls, NameTheActionAndCarryItsArguments) {
  const IgdService with{kIp1, kFrom};
  const SoapCall call = soap_add_mapping(
      with,
      {51000, *Endpoint::parse("192.168.1.7:41641"), std::chrono::duration<std::uint32_t>(7200)});
  EXPECT_EQ(call.action, "\"" + kIp1 + "#AddPortMapping\"");
  for (const char* part :
       {"<NewRemoteHost></NewRemoteHost>", "<NewExternalPort>51000<", "<NewProtocol>UDP<",
        "<NewInternalPort>41641<", "<NewInternalClient>192.168.1.7<", "<NewEnabled>1<",
        "<NewLeaseDuration>7200<"}) {
    EXPECT_NE(call.body.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(soap_add_mapping({kIp2, kFrom}, {}).action, "\"" + kIp2 + "#AddAnyPortMapping\"");
  EXPECT_EQ(soap_status(with).action, "\"" + kIp1 + "#GetStatusInfo\"");
}

TEST(SoapAnswers, AreValuesOrACode) {
  const auto address = parse_soap(
      200, "<s:Envelope><NewExternalIPAddress> 203.0.113.9 </NewExternalIPAddress></s:Envelope>");
  EXPECT_EQ(address.error, SoapError::None);
  EXPECT_EQ(address.external_address, "203.0.113.9");
  EXPECT_EQ(
      parse_soap(500, "<a><errorCode>725</errorCode></a>").error, SoapError::OnlyPermanentLeases);
  EXPECT_EQ(parse_soap(500, "<a>no code</a>").error, SoapError::NoAnswer);
  EXPECT_EQ(parse_soap(404, "<a/>").error, SoapError::NoAnswer);
  EXPECT_EQ(parse_soap(200, "<a").error, SoapError::NoAnswer);
  EXPECT_EQ(parse_soap(200, "<NewReservedPort>70000</NewReservedPort>").reserved_port, 0);
  EXPECT_EQ(parse_soap(200, "<NewReservedPort>5x</NewReservedPort>").reserved_port, 0);
}

}  // namespace
}  // namespace aya::portmap
