// What an administrator has to say about each provider.
#include "coord-server/posture_providers/providers.h"

#include <gtest/gtest.h>

namespace aya::posture_providers {
namespace {

struct Case {
  const char* provider;
  PostureAccess access;
  std::string fault;  // how it begins; empty: there is none
};

TEST(PostureProviders, AreWellDescribedOrSayWhatIsMissing) {
  const Case cases[] = {
      {"intune", {"global", "c", "t", "s"}, ""},
      {"intune", {"us-gov", "c", "t", "s"}, ""},
      {"intune", {"", "c", "t", "s"}, "cloudId: want one of global, us-gov"},
      {"intune", {"mars", "c", "t", "s"}, "cloudId: want one of global, us-gov"},
      {"intune", {"global", "", "t", "s"}, "clientId: required"},
      {"intune", {"global", "c", "", "s"}, "tenantId: required"},
      {"intune", {"global", "c", "../x", "s"}, "tenantId: want an id"},
      {"intune", {"global", "c", "t", ""}, "clientSecret: required"},
      {"intune", {"global", "c", "t", "a\nb"}, "clientSecret: too long, or not one line"},
      {"falcon", {"us-2", "c", "", "s"}, ""},
      {"falcon", {"us-9", "c", "", "s"}, "cloudId: want one of us-1"},
      {"falcon", {"us-1", "c", "t", "s"}, "tenantId: of no use"},
      {"fleet", {"fleet.example.com", "", "", "s"}, ""},
      {"fleet", {"https://fleet.example.com:8443/base/", "", "", "s"}, ""},
      {"fleet", {"192.0.2.7:8443", "", "", "s"}, ""},
      {"fleet", {"", "", "", "s"}, "cloudId: want the host name"},
      {"fleet", {"http://fleet.example.com", "", "", "s"}, "cloudId: want"},
      {"fleet", {"fleet", "", "", "s"}, "cloudId: want"},
      {"fleet", {"user@fleet.example.com", "", "", "s"}, "cloudId: want"},
      {"fleet", {"fleet.example.com?x=1", "", "", "s"}, "cloudId: want"},
      {"fleet", {"fleet.example.com\r\nX: y", "", "", "s"}, "cloudId: want"},
      {"fleet", {"fleet.example.com", "c", "", "s"}, "clientId: of no use"},
      {"jamfpro", {"acme.jamfcloud.com", "c", "", "s"}, ""},
      {"jamfpro", {"acme.jamfcloud.com", "", "", "s"}, "clientId: required"},
      {"kandji", {"acme.api.kandji.io", "", "", "s"}, ""},
      {"kolide", {"", "", "", "s"}, ""},
      {"kolide", {"us", "", "", "s"}, "cloudId: of no use"},
      {"sentinelone", {"acme.sentinelone.net", "", "", "s"}, ""},
      {"huntress", {"", "key", "", "s"}, ""},
      {"huntress", {"", "key", "123456", "s"}, ""},
      {"huntress", {"", "", "", "s"}, "clientId: required"},
      {"crowdstrike", {"us-1", "c", "", "s"}, "provider: want one of falcon, fleet, huntress"},
      {"", {}, "provider: want one of"},
  };
  for (const Case& one : cases) {
    const std::string fault = fault_in(one.provider, one.access);
    const std::string what = std::string(one.provider) + " at " + one.access.cloud;
    EXPECT_EQ(fault.empty(), one.fault.empty()) << what << ": " << fault;
    EXPECT_TRUE(fault.starts_with(one.fault)) << what << ": " << fault;
  }
}

TEST(PostureProviders, OwnTheAttributesOfTheirName) {
  EXPECT_TRUE(speaks_of("intune", "intune:complianceState"));
  EXPECT_TRUE(speaks_of("jamfpro", "jamfPro:supervised"));
  EXPECT_TRUE(speaks_of("sentinelone", "sentinelOne:infected"));
  EXPECT_TRUE(speaks_of("fleet", "fleet:present"));
  EXPECT_TRUE(speaks_of("fleet", "fleetPolicy:disk"));
  EXPECT_FALSE(speaks_of("fleet", "custom:fleet"));
  EXPECT_FALSE(speaks_of("fleet", "intune:isEncrypted"));
  EXPECT_FALSE(speaks_of("nobody", "intune:isEncrypted"));
}

}  // namespace
}  // namespace aya::posture_providers
