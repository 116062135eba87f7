#include "coord-server/posture_providers/providers.h"

#include <algorithm>
#include <array>

#include "coord-server/posture_providers/provider.h"
#include "proto/http/target.h"

namespace aya::posture_providers {
namespace {

constexpr std::size_t kLongestField = 4096;

// clang-format off
// Documented by CrowdStrike as OAuth2, Hosts and Zero Trust Assessment of its API.
constexpr std::array<std::string_view, 1> kFalconPrefixes = {"falcon:"};
constexpr std::array kFalconClouds = {
    Cloud{"us-1", "https://api.crowdstrike.com"},
    Cloud{"us-2", "https://api.us-2.crowdstrike.com"},
    Cloud{"eu-1", "https://api.eu-1.crowdstrike.com"},
    Cloud{"us-gov", "https://api.laggar.gcw.crowdstrike.com"}};
constexpr std::array kFalconScores = {
    Field{"falcon:ztaScore", "/assessment/overall", Kind::Number}};
constexpr std::array kFalcon = {
    Listing{.path = "/devices/combined/devices/v1?limit=500", .items = "/resources",
            .key = "/device_id", .serial = "/serial_number", .seen = "/last_seen",
            .paging = Paging::Cursor, .next = "/meta/pagination/next", .parameter = "offset"},
    Listing{.path = "/zero-trust-assessment/entities/assessments/v1", .items = "/resources",
            .key = "/aid", .fields = kFalconScores, .paging = Paging::Keys, .parameter = "ids",
            .size = 100}};

// Fleet, REST API, "List hosts".
constexpr std::array<std::string_view, 2> kFleetPrefixes = {"fleet:", "fleetPolicy:"};
constexpr std::array kFleetFields = {Field{"fleet:present", "", Kind::Always}};
constexpr std::array kFleet = {
    Listing{.path = "/api/v1/fleet/hosts?populate_policies=true&order_key=id&per_page=50",
            .items = "/hosts", .serial = "/hardware_serial", .seen = "/seen_time",
            .fields = kFleetFields, .policies = "/policies", .paging = Paging::Number,
            .parameter = "page", .size = 50}};

// Huntress, REST API v1, agents.
constexpr std::array<std::string_view, 1> kHuntressPrefixes = {"huntress:"};
constexpr std::array kHuntressFields = {
    Field{"huntress:defenderStatus", "/defender_status", Kind::Text},
    Field{"huntress:defenderPolicyStatus", "/defender_policy_status", Kind::Text},
    Field{"huntress:firewallStatus", "/firewall_status", Kind::Text}};
constexpr std::array kHuntress = {
    Listing{.path = "/v1/agents?limit=500", .items = "/agents", .serial = "/serial_number",
            .seen = "/last_callback_at", .fields = kHuntressFields, .paging = Paging::Cursor,
            .next = "/pagination/next_page_token", .parameter = "page_token"}};

// Microsoft Graph v1.0, "List managedDevices", with the client credentials grant.
constexpr std::array<std::string_view, 1> kIntunePrefixes = {"intune:"};
constexpr std::array kIntuneClouds = {
    Cloud{"global", "https://graph.microsoft.com", "https://login.microsoftonline.com"},
    Cloud{"us-gov", "https://graph.microsoft.us", "https://login.microsoftonline.us"}};
constexpr std::array kIntuneFields = {
    Field{"intune:complianceState", "/complianceState", Kind::Text},
    Field{"intune:azureADRegistered", "/azureADRegistered", Kind::Flag},
    Field{"intune:deviceRegistrationState", "/deviceRegistrationState", Kind::Text},
    Field{"intune:isSupervised", "/isSupervised", Kind::Flag},
    Field{"intune:isEncrypted", "/isEncrypted", Kind::Flag},
    Field{"intune:managedDeviceOwnerType", "/managedDeviceOwnerType", Kind::Text}};
constexpr std::array kIntune = {
    Listing{.path = "/v1.0/deviceManagement/managedDevices?$select=id,serialNumber,complianceState,"
                    "azureADRegistered,deviceRegistrationState,isSupervised,isEncrypted,"
                    "managedDeviceOwnerType,lastSyncDateTime&$top=500",
            .items = "/value", .serial = "/serialNumber", .seen = "/lastSyncDateTime",
            .fields = kIntuneFields, .paging = Paging::Link, .next = "/@odata.nextLink"}};

// Jamf Pro API, API clients and "computers-inventory".
constexpr std::array<std::string_view, 1> kJamfPrefixes = {"jamfPro:"};
constexpr std::array kJamfFields = {
    Field{"jamfPro:remoteManaged", "/general/remoteManagement/managed", Kind::Flag},
    Field{"jamfPro:supervised", "/general/supervised", Kind::Flag},
    Field{"jamfPro:firewallEnabled", "/security/firewallEnabled", Kind::Flag},
    Field{"jamfPro:fileVaultStatus", "/operatingSystem/fileVault2Status", Kind::Text},
    Field{"jamfPro:SIPEnabled", "/security/sipStatus", Kind::Text}};
constexpr std::array kJamf = {
    Listing{.path = "/api/v1/computers-inventory?section=GENERAL&section=HARDWARE&"
                    "section=OPERATING_SYSTEM&section=SECURITY&sort=id:asc&page-size=100",
            .items = "/results", .serial = "/hardware/serialNumber",
            .seen = "/general/lastContactTime", .fields = kJamfFields, .paging = Paging::Number,
            .parameter = "page", .size = 100}};

// Kandji (now Iru), API, Prism: "Device information".
constexpr std::array<std::string_view, 1> kKandjiPrefixes = {"kandji:"};
constexpr std::array kKandjiFields = {
    Field{"kandji:mdmEnabled", "/mdm_enabled", Kind::Flag},
    Field{"kandji:agentInstalled", "/agent_installed", Kind::Flag}};
constexpr std::array kKandji = {
    Listing{.path = "/api/v1/prism/device_information?limit=300", .items = "/data",
            .serial = "/serial_number", .seen = "/last_check_in", .fields = kKandjiFields,
            .paging = Paging::Cursor, .next = "/cursor", .parameter = "cursor"}};

// Kolide (now 1Password), API of 2023-05-26, devices.
constexpr std::array<std::string_view, 1> kKolidePrefixes = {"kolide:"};
constexpr std::array kKolideFields = {Field{"kolide:authState", "/auth_state", Kind::Text}};
constexpr std::array kKolide = {
    Listing{.path = "/devices?per_page=100", .items = "/data", .serial = "/serial",
            .seen = "/last_seen_at", .fields = kKolideFields, .paging = Paging::Cursor,
            .next = "/pagination/next_cursor", .parameter = "cursor"}};

// SentinelOne, management console API 2.1, agents.
constexpr std::array<std::string_view, 1> kSentinelPrefixes = {"sentinelOne:"};
constexpr std::array kSentinelFields = {
    Field{"sentinelOne:operationalState", "/operationalState", Kind::Text},
    Field{"sentinelOne:activeThreats", "/activeThreats", Kind::Number},
    Field{"sentinelOne:agentVersion", "/agentVersion", Kind::Text},
    Field{"sentinelOne:encryptedApplications", "/encryptedApplications", Kind::Flag},
    Field{"sentinelOne:firewallEnabled", "/firewallEnabled", Kind::Flag},
    Field{"sentinelOne:infected", "/infected", Kind::Flag}};
constexpr std::array kSentinel = {
    Listing{.path = "/web/api/v2.1/agents?limit=200", .items = "/data", .serial = "/serialNumber",
            .seen = "/lastActiveDate", .fields = kSentinelFields, .paging = Paging::Cursor,
            .next = "/pagination/nextCursor", .parameter = "cursor"}};

constexpr std::array kProviders = {
    Provider{.name = "falcon", .prefixes = kFalconPrefixes, .clouds = kFalconClouds,
             .cloud = Use::Needed, .client = Use::Needed, .tenant = Use::Unused, .fixed_api = {},
             .proof = Proof::Token, .token_path = "/oauth2/token",
             .permission = "to read Hosts and Zero Trust Assessment", .listings = kFalcon},
    Provider{.name = "fleet", .prefixes = kFleetPrefixes, .clouds = {},
             .cloud = Use::Needed, .client = Use::Unused, .tenant = Use::Unused, .fixed_api = {},
             .proof = Proof::Bearer, .permission = "to read hosts, as an observer's token is",
             .listings = kFleet},
    Provider{.name = "huntress", .prefixes = kHuntressPrefixes, .clouds = {},
             .cloud = Use::Unused, .client = Use::Needed, .tenant = Use::Optional,
             .fixed_api = "https://api.huntress.io", .proof = Proof::Basic,
             .tenant_parameter = "organization_id", .permission = "to read agents",
             .listings = kHuntress},
    Provider{.name = "intune", .prefixes = kIntunePrefixes, .clouds = kIntuneClouds,
             .cloud = Use::Needed, .client = Use::Needed, .tenant = Use::Needed, .fixed_api = {},
             .proof = Proof::Token, .token_path = "/{tenant}/oauth2/v2.0/token",
             .token_scope = "/.default",
             .permission = "DeviceManagementManagedDevices.Read.All, of the application",
             .listings = kIntune},
    Provider{.name = "jamfpro", .prefixes = kJamfPrefixes, .clouds = {},
             .cloud = Use::Needed, .client = Use::Needed, .tenant = Use::Unused, .fixed_api = {},
             .proof = Proof::Token, .token_path = "/api/oauth/token",
             .permission = "the privilege Read Computers", .listings = kJamf},
    Provider{.name = "kandji", .prefixes = kKandjiPrefixes, .clouds = {},
             .cloud = Use::Needed, .client = Use::Unused, .tenant = Use::Unused, .fixed_api = {},
             .proof = Proof::Bearer, .permission = "Device Information, under Prism",
             .listings = kKandji},
    Provider{.name = "kolide", .prefixes = kKolidePrefixes, .clouds = {},
             .cloud = Use::Unused, .client = Use::Unused, .tenant = Use::Unused,
             .fixed_api = "https://api.kolide.com", .proof = Proof::Bearer,
             .version_header = "X-Kolide-Api-Version", .version = "2023-05-26",
             .permission = "to read devices", .listings = kKolide},
    Provider{.name = "sentinelone", .prefixes = kSentinelPrefixes, .clouds = {},
             .cloud = Use::Needed, .client = Use::Unused, .tenant = Use::Unused, .fixed_api = {},
             .proof = Proof::ApiToken, .permission = "to view endpoints", .listings = kSentinel},
};
// clang-format on

// It becomes part of a header or a form: what would end a line there is nobody's name.
bool is_clean(const std::string& text) {
  return text.size() <= kLongestField && std::ranges::none_of(text, [](unsigned char ch) {
           return ch < 0x20 || ch == 0x7f;
         });
}

std::string fault_in_use(Use use, const std::string& value, const char* field, const char* what) {
  if (use == Use::Needed && value.empty()) return std::string(field) + ": required: " + what;
  if (use == Use::Unused && !value.empty()) return std::string(field) + ": of no use here";
  return {};
}

std::string fault_in_cloud(const Provider& provider, const std::string& cloud) {
  if (provider.cloud != Use::Needed) return fault_in_use(provider.cloud, cloud, "cloudId", "");
  if (provider.clouds.empty()) {
    return place_of(cloud).empty()
               ? "cloudId: want the host name of your server, or its https URL"
               : "";
  }
  std::string known;
  for (const Cloud& each : provider.clouds) {
    if (each.name == cloud) return {};
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  return "cloudId: want one of " + known;
}

// In a path or a query.
bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char ch) {
    return ch < 0x80 && (std::isalnum(ch) || ch == '-' || ch == '.' || ch == '_');
  });
}

}  // namespace

const Provider* find_provider(std::string_view name) {
  const auto found = std::ranges::find(kProviders, name, &Provider::name);
  return found == kProviders.end() ? nullptr : &*found;
}

std::string place_of(std::string_view cloud) {
  constexpr std::string_view kScheme = "https://";
  if (cloud.starts_with(kScheme)) cloud.remove_prefix(kScheme.size());
  while (cloud.ends_with('/')) cloud.remove_suffix(1);
  const std::string out = std::string(kScheme) + std::string(cloud);
  const auto url = http::Url::parse(out);
  const bool is_plain = std::ranges::all_of(cloud, [](unsigned char ch) {
    return ch < 0x80 && (std::isalnum(ch) || std::string_view("-._~:/[]").find(ch) !=
                                                 std::string_view::npos);
  });
  // A name without a dot would be one of this server's own network, or a cloud's of another kind.
  const bool is_place = url && url->host.find_first_of(".:") != std::string::npos;
  return is_place && is_plain ? out : std::string();
}

bool is_provider(std::string_view name) { return find_provider(name) != nullptr; }

std::string provider_names() {
  std::string out;
  for (const Provider& each : kProviders) {
    out += (out.empty() ? "" : ", ") + std::string(each.name);
  }
  return out;
}

std::string fault_in(std::string_view name, const PostureAccess& access) {
  const Provider* provider = find_provider(name);
  if (provider == nullptr) return "provider: want one of " + provider_names();
  if (auto fault = fault_in_cloud(*provider, access.cloud); !fault.empty()) return fault;
  if (auto fault = fault_in_use(provider->client, access.client, "clientId", "the client's id");
      !fault.empty()) {
    return fault;
  }
  if (auto fault = fault_in_use(provider->tenant, access.tenant, "tenantId", "the directory's id");
      !fault.empty()) {
    return fault;
  }
  if (access.secret.empty()) return "clientSecret: required";
  if (!is_clean(access.client)) return "clientId: too long, or not one line";
  if (!is_clean(access.secret)) return "clientSecret: too long, or not one line";
  if (!is_word(access.tenant) || access.tenant.size() > kLongestField) {
    return "tenantId: want an id, of letters, digits, dots and dashes";
  }
  return {};
}

bool speaks_of(std::string_view name, std::string_view attribute) {
  const Provider* provider = find_provider(name);
  return provider != nullptr && std::ranges::any_of(provider->prefixes, [&](auto prefix) {
           return attribute.starts_with(prefix);
         });
}

}  // namespace aya::posture_providers
