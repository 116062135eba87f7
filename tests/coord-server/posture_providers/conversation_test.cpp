// Questions to each provider, answered in the form that it documents.
#include "coord-server/posture_providers/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::posture_providers {
namespace {

using delivery::Answered;
using delivery::NoAnswer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;
using Progress = Conversation::Progress;

const PostureAccess kIntune{"global", "client-1", "tenant-1", "s3cret&?"};
const PostureAccess kFleet{"https://fleet.example:8443/base", "", "", "s3cret"};
constexpr const char* kToken = R"({"token_type":"Bearer","expires_in":3599,"access_token":"tok"})";

std::string text(const delivery::Message& message) {
  return message.method + ' ' + message.url + ' ' +
         std::string(message.headers.get("Authorization")) + ' ' +
         std::string(as_text(message.body));
}

// A question as it is expected, and its answer.
struct Turn {
  std::string asks;
  std::string answer;
  int status = 200;
};

Report talk(const char* provider, const PostureAccess& access, const std::vector<Turn>& turns) {
  EXPECT_EQ(fault_in(provider, access), "");
  Conversation conversation(provider, access);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(text(conversation.question()), turns[i].asks);
    auto progress = conversation.take(Answered{turns[i].status, turns[i].answer});
    EXPECT_TRUE(progress) << progress.error();
    if (!progress) return {};
    EXPECT_EQ(*progress == Progress::Over, i + 1 == turns.size()) << "after question " << i;
  }
  return std::move(conversation).report();
}

// Why the last answer was not taken.
std::string trouble(
    const char* provider, const PostureAccess& access,
    const std::vector<delivery::Outcome>& answers) {
  Conversation conversation(provider, access);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto progress = conversation.take(answers[i]);
    if (!progress) {
      EXPECT_EQ(i + 1, answers.size());
      return progress.error();
    }
  }
  return {};
}

TEST(PostureConversation, IntuneHasATokenAndPagesThatNameTheNext) {
  const std::string list =
      "https://graph.microsoft.com/v1.0/deviceManagement/managedDevices?$select=id,serialNumber,"
      "complianceState,azureADRegistered,deviceRegistrationState,isSupervised,isEncrypted,"
      "managedDeviceOwnerType,lastSyncDateTime&$top=500";
  const std::string more =
      "https://graph.microsoft.com/v1.0/deviceManagement/managedDevices?$skiptoken=abc";
  const Report report = talk(
      "intune", kIntune,
      {{"POST https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token  "
        "grant_type=client_credentials&client_id=client-1&client_secret=s3cret%26%3F&"
        "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        kToken},
       {"GET " + list + " Bearer tok ",
        R"({"@odata.context":"x","@odata.count":2,"value":[
           {"id":"1","serialNumber":"c02abc","complianceState":"compliant",
            "azureADRegistered":true,"deviceRegistrationState":"registered","isSupervised":false,
            "isEncrypted":true,"managedDeviceOwnerType":"company",
            "lastSyncDateTime":"2026-01-01T00:00:00Z"},
           {"id":"2","serialNumber":"0","complianceState":"compliant"}],
           "@odata.nextLink":")" + more + "\"}"},
       {"GET " + more + " Bearer tok ",
        R"({"value":[{"id":"3","serialNumber":" VM-7 ","complianceState":"noncompliant",
           "azureADRegistered":null,"isEncrypted":"yes"}]})"}});
  EXPECT_EQ(report.hosts, 3u);
  EXPECT_THAT(
      report.by_serial,
      UnorderedElementsAre(
          Pair(
              "C02ABC", UnorderedElementsAre(
                            Pair("intune:complianceState", "\"compliant\""),
                            Pair("intune:azureADRegistered", "true"),
                            Pair("intune:deviceRegistrationState", "\"registered\""),
                            Pair("intune:isSupervised", "false"),
                            Pair("intune:isEncrypted", "true"),
                            Pair("intune:managedDeviceOwnerType", "\"company\""))),
          Pair("VM-7", ElementsAre(Pair("intune:complianceState", "\"noncompliant\"")))));
}

TEST(PostureConversation, FleetHasNumberedPagesAndPoliciesThatSayWhatTheyStandFor) {
  std::string first = R"({"hosts":[
      {"id":1,"hardware_serial":"S1","seen_time":"2026-01-01T00:00:00Z","policies":[
        {"id":1,"description":"Tailscale: fleetPolicy:disk_encrypted.","response":"pass"},
        {"id":2,"description":"fleetPolicy:firewall","response":"fail"},
        {"id":3,"description":"fleetPolicy:screen","response":""},
        {"id":4,"description":"nothing","response":"pass"},
        {"id":5,"description":"fleetPolicy:","response":"pass"}, 7]})";
  for (int i = 1; i < 50; ++i) first += R"(,{"id":2,"hardware_serial":""})";
  const std::string url =
      "https://fleet.example:8443/base/api/v1/fleet/hosts?populate_policies=true&order_key=id&"
      "per_page=50&page=";
  const Report report = talk(
      "fleet", kFleet,
      {{"GET " + url + "0 Bearer s3cret ", first + "]}"},
       {"GET " + url + "1 Bearer s3cret ", R"({"hosts":[{"hardware_serial":"S2"}]})"}});
  EXPECT_EQ(report.hosts, 51u);
  EXPECT_THAT(
      report.by_serial,
      UnorderedElementsAre(
          Pair(
              "S1", UnorderedElementsAre(
                        Pair("fleet:present", "true"),
                        Pair("fleetPolicy:disk_encrypted", "true"))),
          Pair("S2", ElementsAre(Pair("fleet:present", "true")))));
}

TEST(PostureConversation, FalconNamesHostsFirstAndTheirScoresThen) {
  const PostureAccess access{"eu-1", "id", "", "s3cret"};
  const std::string hosts =
      "https://api.eu-1.crowdstrike.com/devices/combined/devices/v1?limit=500";
  const std::string scores =
      "https://api.eu-1.crowdstrike.com/zero-trust-assessment/entities/assessments/v1?ids=";
  const Turn token{
      "POST https://api.eu-1.crowdstrike.com/oauth2/token  "
      "grant_type=client_credentials&client_id=id&client_secret=s3cret",
      kToken, 201};
  const Report report = talk(
      "falcon", access,
      {token,
       {"GET " + hosts + " Bearer tok ",
        R"({"meta":{"pagination":{"total":3,"next":"n+1"}},"resources":[
           {"device_id":"a1","serial_number":"S1","last_seen":"2026-01-01T00:00:00Z"},
           {"device_id":"a2","serial_number":"S1","last_seen":"2026-01-02T00:00:00Z"}],
           "errors":[]})"},
       {"GET " + hosts + "&offset=n%2B1 Bearer tok ",
        R"({"meta":{"pagination":{"total":3,"next":""}},"resources":[
           {"device_id":"a3","serial_number":"S3"}]})"},
       {"GET " + scores + "a1&ids=a2&ids=a3 Bearer tok ",
        R"({"resources":[{"aid":"a1","assessment":{"overall":10}},
            {"aid":"a2","assessment":{"overall":87.5}},
            {"aid":"other","assessment":{"overall":1}}],
            "errors":[{"code":404,"message":"a3"}]})"}});
  EXPECT_THAT(
      report.by_serial,
      UnorderedElementsAre(
          Pair("S1", ElementsAre(Pair("falcon:ztaScore", "87.5"))), Pair("S3", IsEmpty())));
  EXPECT_EQ(report.hosts, 3u);

  const Report unscored = talk(
      "falcon", access,
      {token,
       {"GET " + hosts + " Bearer tok ",
        R"({"resources":[{"device_id":"a1","serial_number":"S1"}]})"},
       {"GET " + scores + "a1 Bearer tok ", R"({"errors":[{"code":404}]})", 404}});
  EXPECT_THAT(unscored.by_serial, ElementsAre(Pair("S1", IsEmpty())));
  const Report none = talk(
      "falcon", access, {token, {"GET " + hosts + " Bearer tok ", R"({"resources":[]})"}});
  EXPECT_EQ(none.hosts, 0u);
}

TEST(PostureConversation, JamfProHasATokenAndSections) {
  const Report report = talk(
      "jamfpro", {"acme.jamfcloud.com", "id", "", "s3cret"},
      {{"POST https://acme.jamfcloud.com/api/oauth/token  "
        "grant_type=client_credentials&client_id=id&client_secret=s3cret",
        kToken},
       {"GET https://acme.jamfcloud.com/api/v1/computers-inventory?section=GENERAL&"
        "section=HARDWARE&section=OPERATING_SYSTEM&section=SECURITY&sort=id:asc&page-size=100&"
        "page=0 Bearer tok ",
        R"({"totalCount":1,"results":[{"id":"1",
           "general":{"supervised":true,"remoteManagement":{"managed":true},
                      "lastContactTime":"2026-01-01T00:00:00Z"},
           "hardware":{"serialNumber":"C02XYZ"},
           "operatingSystem":{"fileVault2Status":"ALL_ENCRYPTED"},
           "security":{"sipStatus":"ENABLED","firewallEnabled":false}}]})"}});
  EXPECT_THAT(
      report.by_serial, ElementsAre(Pair(
                            "C02XYZ", UnorderedElementsAre(
                                          Pair("jamfPro:remoteManaged", "true"),
                                          Pair("jamfPro:supervised", "true"),
                                          Pair("jamfPro:firewallEnabled", "false"),
                                          Pair("jamfPro:fileVaultStatus", "\"ALL_ENCRYPTED\""),
                                          Pair("jamfPro:SIPEnabled", "\"ENABLED\"")))));
}

TEST(PostureConversation, KandjiFollowsItsCursor) {
  const std::string url = "https://acme.api.kandji.io/api/v1/prism/device_information?limit=300";
  const Report report = talk(
      "kandji", {"acme.api.kandji.io", "", "", "s3cret"},
      {{"GET " + url + " Bearer s3cret ",
        R"({"cursor":"o=1==","data":[{"serial_number":"S1","mdm_enabled":true,
           "agent_installed":true}]})"},
       {"GET " + url + "&cursor=o%3D1%3D%3D Bearer s3cret ",
        R"({"cursor":null,"data":[{"serial_number":"S2","mdm_enabled":false,
           "agent_installed":false}]})"}});
  EXPECT_THAT(
      report.by_serial,
      UnorderedElementsAre(
          Pair(
              "S1", UnorderedElementsAre(
                        Pair("kandji:mdmEnabled", "true"), Pair("kandji:agentInstalled", "true"))),
          Pair(
              "S2", UnorderedElementsAre(
                        Pair("kandji:mdmEnabled", "false"),
                        Pair("kandji:agentInstalled", "false")))));
}

TEST(PostureConversation, KolideIsAskedInOneVersionOfItsApi) {
  Conversation conversation("kolide", {"", "", "", "k2sk"});
  EXPECT_EQ(conversation.question().headers.get("X-Kolide-Api-Version"), "2023-05-26");
  const Report report = talk(
      "kolide", {"", "", "", "k2sk"},
      {{"GET https://api.kolide.com/devices?per_page=100 Bearer k2sk ",
        R"({"data":[{"id":"1","serial":"S1","auth_state":"Will Block"}],
           "pagination":{"next":"","next_cursor":"","current_cursor":"","count":1}})"}});
  EXPECT_THAT(
      report.by_serial,
      ElementsAre(Pair("S1", ElementsAre(Pair("kolide:authState", "\"Will Block\"")))));
}

TEST(PostureConversation, SentinelOneCountsThreats) {
  const Report report = talk(
      "sentinelone", {"https://acme.sentinelone.net/", "", "", "tok"},
      {{"GET https://acme.sentinelone.net/web/api/v2.1/agents?limit=200 ApiToken tok ",
        R"({"pagination":{"totalItems":1,"nextCursor":null},"data":[{"serialNumber":"S1",
           "operationalState":"na","activeThreats":2,"agentVersion":"22.3.2.23",
           "encryptedApplications":true,"firewallEnabled":false,"infected":false}]})"}});
  EXPECT_THAT(
      report.by_serial, ElementsAre(Pair(
                            "S1", UnorderedElementsAre(
                                      Pair("sentinelOne:operationalState", "\"na\""),
                                      Pair("sentinelOne:activeThreats", "2"),
                                      Pair("sentinelOne:agentVersion", "\"22.3.2.23\""),
                                      Pair("sentinelOne:encryptedApplications", "true"),
                                      Pair("sentinelOne:firewallEnabled", "false"),
                                      Pair("sentinelOne:infected", "false")))));
}

TEST(PostureConversation, HuntressMayBeAskedAboutOneOrganisation) {
  const std::string url = "https://api.huntress.io/v1/agents?limit=500&organization_id=42";
  const Report report = talk(
      "huntress", {"", "key", "42", "s3cret"},
      {{"GET " + url + " Basic a2V5OnMzY3JldA== ",
        R"({"agents":[{"serial_number":"S1","defender_status":"Protected",
           "defender_policy_status":"Compliant","firewall_status":"Enabled"}],
           "pagination":{"limit":500,"next_page_token":"t2"}})"},
       {"GET " + url + "&page_token=t2 Basic a2V5OnMzY3JldA== ",
        R"({"agents":[],"pagination":{"limit":500}})"}});
  EXPECT_THAT(
      report.by_serial, ElementsAre(Pair(
                            "S1", UnorderedElementsAre(
                                      Pair("huntress:defenderStatus", "\"Protected\""),
                                      Pair("huntress:defenderPolicyStatus", "\"Compliant\""),
                                      Pair("huntress:firewallStatus", "\"Enabled\"")))));
}

TEST(PostureConversation, TheNewerOfTwoHostsIsTheMachine) {
  const auto hosts = [](const std::string& first, const std::string& second) {
    const std::string answer =
        R"({"data":[{"serialNumber":"S","agentVersion":"1","lastActiveDate":")" + first +
        R"("},{"serialNumber":"s","agentVersion":"2","lastActiveDate":")" + second + R"("}]})";
    const Report report = talk(
        "sentinelone", {"a.example", "", "", "t"},
        {{"GET https://a.example/web/api/v2.1/agents?limit=200 ApiToken t ", answer}});
    return report.by_serial.at("S").at("sentinelOne:agentVersion");
  };
  EXPECT_EQ(hosts("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"), "\"2\"");
  EXPECT_EQ(hosts("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "\"1\"");
}

TEST(PostureConversation, SaysWhatIsWrongAndNoSecret) {
  struct Case {
    const char* provider;
    PostureAccess access;
    std::vector<delivery::Outcome> answers;
    const char* says;
  };
  const std::string far = R"({"value":[],"@odata.nextLink":"https://evil.example/v1.0?x"})";
  const std::string plain = R"({"value":[],"@odata.nextLink":"http://graph.microsoft.com/v1.0?x"})";
  const Case cases[] = {
      {"intune", kIntune, {NoAnswer{"refused"}}, "login.microsoftonline.com: refused"},
      {"intune", kIntune,
       {Answered{401, R"({"error":"invalid_client","error_description":"s3cret&?"})"}},
       "login.microsoftonline.com answered 401 (invalid_client): is the secret right"},
      {"intune", kIntune, {Answered{400, R"({"error":"s3cret&?"})"}}, "answered 400: is the"},
      {"intune", kIntune, {Answered{200, "<html>"}}, "no token"},
      {"intune", kIntune, {Answered{200, "[]"}}, "no token"},
      {"intune", kIntune, {Answered{200, R"({"access_token":7})"}}, "no token"},
      {"intune", kIntune, {Answered{200, R"({"access_token":"a\r\nX: y"})"}}, "no token"},
      {"intune", kIntune, {Answered{200, kToken}, Answered{403, ""}},
       "graph.microsoft.com answered 403: the credential lacks a permission: DeviceManagement"},
      {"intune", kIntune, {Answered{200, kToken}, Answered{200, far}}, "at another place"},
      {"intune", kIntune, {Answered{200, kToken}, Answered{200, plain}}, "at another place"},
      {"fleet", kFleet, {Answered{200, "s3cret"}}, "no JSON object"},
      {"fleet", kFleet, {Answered{200, R"({"hosts":{}})"}}, "no list at /hosts"},
      {"fleet", kFleet, {Answered{200, R"({"hosts":["s3cret"]})"}}, "a host is no object"},
      {"fleet", kFleet, {Answered{401, ""}}, "fleet.example answered 401: is the secret right"},
      {"fleet", kFleet, {Answered{302, ""}}, "fleet.example answered 302"},
      {"kolide", {"", "", "", "s3cret"},
       {Answered{200, R"({"data":[],"pagination":{"next_cursor":"a"}})"},
        Answered{200, R"({"data":[],"pagination":{"next_cursor":"a"}})"}},
       "the same page for ever"},
  };
  for (const Case& one : cases) {
    const std::string said = trouble(one.provider, one.access, one.answers);
    EXPECT_THAT(said, HasSubstr(one.says));
    EXPECT_THAT(said, Not(HasSubstr("s3cret")));
  }
}

TEST(PostureConversation, EndsHoweverManyPagesThereAre) {
  Conversation conversation("kolide", {"", "", "", "t"});
  std::size_t asked = 0;
  for (;; ++asked) {
    auto progress = conversation.take(Answered{
        200, R"({"data":[],"pagination":{"next_cursor":")" + std::to_string(asked) + "\"}}"});
    if (!progress) break;
    ASSERT_LE(asked, Conversation::kMostQuestions);
  }
  EXPECT_EQ(asked, Conversation::kMostQuestions);
}

TEST(PostureSerials, AreComparedWithoutCaseAndBlanks) {
  EXPECT_EQ(plain_serial(" c02abc\n"), "C02ABC");
  for (const char* nothing : {"", "  ", "0", "none", "To Be Filled By O.E.M.", "Default string"}) {
    EXPECT_EQ(plain_serial(nothing), "") << nothing;
  }
  EXPECT_EQ(plain_serial(std::string(101, 'A')), "");
}

}  // namespace
}  // namespace aya::posture_providers
