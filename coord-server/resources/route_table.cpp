#include "coord-server/resources/route_table.h"

#include <array>

#include "coord-server/resources/device_query.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

using api::Route;

constexpr std::size_t kLongestPolicy = std::size_t{4} << 20;  // interfaces 1.1

// Whoever waits for an issuer's keys is remembered.
constexpr std::size_t kLongestExchange = std::size_t{64} << 10;

constexpr std::size_t kUsual = Route().most_body;

// Forms that are not everybody's.
constexpr api::Form kOAuth = {  // RFC 6749 4.4.2 and 5.2
    .refusal = "OAuthError", .body = "application/x-www-form-urlencoded"};
constexpr api::Form kPage = {.answer = "text/html"};
constexpr api::Form kFeed = {.answer = "text/event-stream"};
constexpr const char* kPolicyBody = "application/json application/hujson";
constexpr api::Form kPolicyRead = {.query = "details"};
constexpr api::Form kNewPolicy = {.body = kPolicyBody};
constexpr api::Form kPreview = {.body = kPolicyBody, .query = "type! previewFor!"};
constexpr api::Form kWho = {.query = "src! dst! port! proto"};
constexpr api::Form kDevices = {.query = kDeviceQuery};
constexpr api::Form kDevice = {.query = "fields"};
constexpr api::Form kAddress = {.query = "force dryRun report"};
constexpr api::Form kForced = {.query = "force"};
constexpr api::Form kPeople = {.query = "role type"};
constexpr api::Form kChanges = {.query = "start! end! actor target event"};
constexpr api::Form kFlows = {.query = "start! end! node"};
constexpr api::Form kFromLine = {.query = "cursor"};
constexpr api::Form kAll = {.query = "all"};
constexpr api::Form kByUrl = {.query = "url!"};

// An empty scope: every credential may, or the handler decides by what is in the body.
// clang-format off
constexpr std::array kRoutes = {
    Route{"GET",    "tailnet/*/devices",                  "devices:core:read",         list_devices, true, kUsual, kDevices},
    Route{"GET",    "device/*",                           "devices:core:read",         get_device, true, kUsual, kDevice},
    Route{"DELETE", "device/*",                           "devices:core",              delete_device, true},
    Route{"POST",   "device/*/name",                      "devices:core",              set_device_name, true},
    Route{"POST",   "device/*/ip",                        "devices:core",              set_device_address, false, kUsual, kAddress},
    Route{"POST",   "device/*/ip/undo",                   "devices:core",              undo_device_address, false, kUsual, kAddress},
    Route{"POST",   "tailnet/*/device-ips",               "devices:core",              set_addresses, false, kUsual, kAddress},
    Route{"GET",    "device/*/device-invites",            "device_invites:read",       list_device_invites},
    Route{"POST",   "device/*/device-invites",            "device_invites",            create_device_invites},
    Route{"POST",   "device-invites/-/accept",            "device_invites",            accept_device_invite},
    Route{"GET",    "device-invites/*",                   "device_invites:read",       get_device_invite},
    Route{"DELETE", "device-invites/*",                   "device_invites",            delete_device_invite},
    Route{"POST",   "device-invites/*/resend",            "device_invites",            resend_device_invite},
    Route{"GET",    "tailnet/*/device-shares",            "device_invites:read",       list_shares},
    Route{"POST",   "device/*/authorized",                "devices:core",              set_device_authorized},
    Route{"POST",   "device/*/key",                       "devices:core",              set_device_key},
    Route{"POST",   "device/*/expire",                    "devices:core",              expire_device, true},
    Route{"POST",   "device/*/tags",                      "devices:core",              set_device_tags},
    Route{"POST",   "device/*/owner",                     "devices:core",              set_device_owner},
    Route{"GET",    "device/*/attributes",                "devices:posture_attributes:read", get_attributes},
    Route{"POST",   "device/*/attributes/*",              "devices:posture_attributes", set_attribute},
    Route{"DELETE", "device/*/attributes/*",              "devices:posture_attributes", delete_attribute},
    Route{"POST",   "device/*/c2n",                       "devices:core",              ask_device},
    Route{"PATCH",  "tailnet/*/device-attributes",        "devices:posture_attributes", patch_attributes},
    Route{"GET",    "tailnet/*/settings",                 "",                          get_settings},
    Route{"PATCH",  "tailnet/*/settings",                 "",                          patch_settings},
    Route{"GET",    "tailnet/*/contacts",                 "account_settings:read",     get_contacts},
    Route{"PATCH",  "tailnet/*/contacts/*",               "account_settings",          patch_contact},
    Route{"POST",   "tailnet/*/contacts/*/resend-verification-email", "account_settings", resend_contact_mail},
    Route{"GET",    "tailnet/*/services",                 "services:read",             list_services},
    Route{"GET",    "tailnet/*/services/*",               "services:read",             get_service},
    Route{"PUT",    "tailnet/*/services/*",               "services",                  put_service, false, kUsual, kForced},
    Route{"DELETE", "tailnet/*/services/*",               "services",                  delete_service},
    Route{"GET",    "tailnet/*/services/*/devices",       "services:read",             list_service_hosts},
    Route{"GET",    "tailnet/*/services/*/device/*/approved", "services:read",             get_service_approval},
    Route{"POST",   "tailnet/*/services/*/device/*/approved", "services",                  set_service_approval},
    Route{"GET",    "tailnet/*/vip-services",             "services:read",             list_services},
    Route{"GET",    "tailnet/*/vip-services/*",           "services:read",             get_service},
    Route{"PUT",    "tailnet/*/vip-services/*",           "services",                  put_service, false, kUsual, kForced},
    Route{"DELETE", "tailnet/*/vip-services/*",           "services",                  delete_service},
    Route{"GET",    "tailnet/*/vip-services/*/devices",   "services:read",             list_service_hosts},
    Route{"GET",    "tailnet/*/vip-services/*/device/*/approved", "services:read",             get_service_approval},
    Route{"POST",   "tailnet/*/vip-services/*/device/*/approved", "services",                  set_service_approval},
    Route{"GET",    "tailnet/*/posture/integrations",     "feature_settings:read",     list_integrations},
    Route{"POST",   "tailnet/*/posture/integrations",     "feature_settings",          create_integration},
    Route{"GET",    "posture/integrations/*",             "feature_settings:read",     get_integration},
    Route{"PATCH",  "posture/integrations/*",             "feature_settings",          patch_integration},
    Route{"DELETE", "posture/integrations/*",             "feature_settings",          delete_integration},
    Route{"POST",   "posture/integrations/*/sync",        "feature_settings",          sync_integration},
    Route{"GET",    "device/*/routes",                    "devices:routes:read",       get_device_routes},
    Route{"POST",   "device/*/routes",                    "devices:routes",            set_device_routes},
    Route{"POST",   "device/*/subdomains",                "devices:core",              set_device_subdomains},
    Route{"GET",    "tailnet/*/wireguard-peers",          "devices:core:read",         list_wireguard_peers},
    Route{"POST",   "tailnet/*/wireguard-peers",          "devices:core",              create_wireguard_peer, false, kUsual, kForced},
    Route{"GET",    "wireguard-peers/*",                  "devices:core:read",         get_wireguard_peer},
    Route{"PATCH",  "wireguard-peers/*",                  "devices:core",              patch_wireguard_peer},
    Route{"DELETE", "wireguard-peers/*",                  "devices:core",              delete_wireguard_peer},
    Route{"GET",    "wireguard-peers/*/config",           "devices:core:read",         get_wireguard_config},
    Route{"GET",    "tailnet/*/dns/nameservers",          "dns:read",                  get_nameservers},
    Route{"POST",   "tailnet/*/dns/nameservers",          "dns",                       set_nameservers},
    Route{"GET",    "tailnet/*/dns/preferences",          "dns:read",                  get_dns_preferences},
    Route{"POST",   "tailnet/*/dns/preferences",          "dns",                       set_dns_preferences},
    Route{"GET",    "tailnet/*/dns/searchpaths",          "dns:read",                  get_search_paths},
    Route{"POST",   "tailnet/*/dns/searchpaths",          "dns",                       set_search_paths},
    Route{"GET",    "tailnet/*/dns/split-dns",            "dns:read",                  get_split_dns},
    Route{"PUT",    "tailnet/*/dns/split-dns",            "dns",                       put_split_dns},
    Route{"PATCH",  "tailnet/*/dns/split-dns",            "dns",                       patch_split_dns},
    Route{"GET",    "tailnet/*/dns/configuration",        "dns:read",                  get_dns_configuration},
    Route{"POST",   "tailnet/*/dns/configuration",        "dns",                       set_dns_configuration},
    Route{"GET",    "tailnet/*/dns/records",              "dns:read",                  get_dns_records},
    Route{"PUT",    "tailnet/*/dns/records",              "dns",                       put_dns_records},
    Route{"GET",    "tailnet/*/acl",                      "policy_file:read",          get_policy, false, kUsual, kPolicyRead},
    Route{"POST",   "tailnet/*/acl",                      "policy_file",               set_policy, false, kLongestPolicy, kNewPolicy},
    Route{"POST",   "tailnet/*/acl/validate",             "policy_file:read",          validate_policy, false, kLongestPolicy, kNewPolicy},
    Route{"POST",   "tailnet/*/acl/preview",              "policy_file:read",          preview_policy, false, kLongestPolicy, kPreview},
    Route{"GET",    "tailnet/*/acl/who",                  "policy_file:read",          explain_access, false, kUsual, kWho},
    Route{"GET",    "tailnet/*/acl/versions",             "policy_file:read",          list_policy_versions},
    Route{"POST",   "tailnet/*/acl/versions/*/restore",   "policy_file",               restore_policy},
    Route{"GET",    "tailnet/*/keys",                     "",                          list_keys, false, kUsual, kAll},
    Route{"POST",   "tailnet/*/keys",                     "",                          create_key, false, kUsual, kForced},
    Route{"GET",    "tailnet/*/keys/*",                   "",                          get_key},
    Route{"DELETE", "tailnet/*/keys/*",                   "",                          delete_key},
    Route{"PUT",    "tailnet/*/keys/*",                   "",                          put_key},
    Route{"POST",   "oauth/token",                        "-",                         oauth_token, false, kUsual, kOAuth},
    Route{"POST",   "oauth/token-exchange",               "-",                         exchange_token, false, kLongestExchange, kOAuth},
    Route{"GET",    "tailnet/*/users",                    "users:read",                list_users, false, kUsual, kPeople},
    Route{"POST",   "tailnet/*/users",                    "users",                     create_user},
    Route{"GET",    "users/*",                            "users:read",                get_user},
    Route{"GET",    "tailnet/*/registrations",            "devices:core:read",         list_registrations},
    Route{"POST",   "tailnet/*/registrations/*/approve",  "devices:core",              approve_registration},
    Route{"POST",   "tailnet/*/registrations/*/reject",   "devices:core",              reject_registration},
    Route{"GET",    "tailnet/*/events",                   "devices:core:read",         watch_changes, false, kUsual, kFeed},
    Route{"GET",    "tailnet/*/logging/configuration",    "logs:configuration:read",   audit_log, false, kUsual, kChanges},
    Route{"GET",    "tailnet/*/logging/configuration/verify", "logs:configuration:read", verify_audit_log, false, kUsual, kFromLine},
    Route{"GET",    "tailnet/*/logging/network",          "logs:network:read",         flow_log, false, kUsual, kFlows},
    Route{"GET",    "tailnet/*/logging/*/stream",         "log_streaming:read",        get_log_stream},
    Route{"PUT",    "tailnet/*/logging/*/stream",         "log_streaming",             put_log_stream},
    Route{"DELETE", "tailnet/*/logging/*/stream",         "log_streaming",             delete_log_stream},
    Route{"GET",    "tailnet/*/logging/*/stream/status",  "log_streaming:read",        get_log_stream_status},
    Route{"POST",   "users/*/approve",                  "users",                   approve_user},
    Route{"POST",   "users/*/suspend",                  "users",                   suspend_user},
    Route{"POST",   "users/*/restore",                  "users",                   restore_user},
    Route{"POST",   "users/*/delete",                   "users",                   delete_user},
    Route{"POST",   "users/*/role",                     "users",                   set_user_role},
    Route{"POST",   "users/*/name",                     "users",                   rename_user},
    Route{"POST",   "users/*/link",                     "users",                   make_login_link},
    Route{"POST",   "users/*/password",                 "users",                   set_user_password},
    Route{"GET",    "derp",                               "networking_settings:read",  list_relays},
    Route{"GET",    "tailnet/*/derp-map",                 "networking_settings:read",  get_derp_map},
    Route{"POST",   "derp/regions",                       "networking_settings",       import_relays},
    Route{"PUT",    "derp/regions/*",                     "networking_settings",       put_relay_region},
    Route{"PATCH",  "derp/regions/*",                     "networking_settings",       patch_relay_region},
    Route{"DELETE", "derp/regions/*",                     "networking_settings",       delete_relay_region},
    Route{"POST",   "derp/sources",                       "networking_settings",       add_relay_source},
    Route{"DELETE", "derp/sources",                       "networking_settings",       delete_relay_source, false, kUsual, kByUrl},
    Route{"POST",   "derp/sources/fetch",                 "networking_settings",       fetch_relay_sources},
    Route{"GET",    "tailnet/*/user-invites",             "user_invites:read",         list_user_invites},
    Route{"POST",   "tailnet/*/user-invites",             "user_invites",              create_user_invites},
    Route{"GET",    "user-invites/*",                     "user_invites:read",         get_user_invite},
    Route{"DELETE", "user-invites/*",                     "user_invites",              delete_user_invite},
    Route{"POST",   "user-invites/*/resend",              "user_invites",              resend_user_invite},
    Route{"GET",    "tailnet/*/webhooks",                 "webhooks:read",             list_webhooks},
    Route{"POST",   "tailnet/*/webhooks",                 "webhooks",                  create_webhook},
    Route{"GET",    "webhooks/*",                         "webhooks:read",             get_webhook},
    Route{"PATCH",  "webhooks/*",                         "webhooks",                  patch_webhook},
    Route{"DELETE", "webhooks/*",                         "webhooks",                  delete_webhook},
    Route{"POST",   "webhooks/*/test",                    "webhooks",                  test_webhook},
    Route{"POST",   "webhooks/*/rotate",                  "webhooks",                  rotate_webhook},
    Route{"POST",   "accounts",                         "",                        create_account},
    Route{"DELETE", "accounts/*",                       "",                        delete_account},
    Route{"GET",    "accounts",                           "",                          list_accounts},
    Route{"POST",   "mail/test",                          "",                          try_mail},
    Route{"GET",    "status",                             "devices:core:read",         server_status},
    Route{"GET",    "whoami",                             "",                          who_am_i},
    Route{"GET",    "docs",                               "-",                         docs_page, false, kUsual, kPage},
    Route{"GET",    "openapi.json",                       "",                          openapi},
};
// clang-format on

}  // namespace

api::RouteTable route_table() { return kRoutes; }

}  // namespace aya::resources
