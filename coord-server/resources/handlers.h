// What the REST API can do, one function per row of the route table. Private to the room.
//
// The table says which scope a request needs, so a handler starts with the things in its path.
#pragma once

#include "coord-server/api/admin_context.h"

namespace aya::resources {

using namespace api;  // a handler is written in the words of that room

// device_routes.cpp
Answer<http::Response> list_devices(const AdminContext& c);
Answer<http::Response> get_device(const AdminContext& c);
Answer<http::Response> delete_device(const AdminContext& c);
Answer<http::Response> set_device_name(const AdminContext& c);
Answer<http::Response> set_device_authorized(const AdminContext& c);
Answer<http::Response> set_device_subdomains(const AdminContext& c);
Answer<http::Response> set_device_key(const AdminContext& c);
Answer<http::Response> expire_device(const AdminContext& c);
Answer<http::Response> set_device_tags(const AdminContext& c);
Answer<http::Response> set_device_owner(const AdminContext& c);

// docs_page.cpp
Answer<http::Response> docs_page(const AdminContext& c);

// event_routes.cpp
Answer<http::Response> watch_changes(const AdminContext& c);

// settings_routes.cpp
Answer<http::Response> get_settings(const AdminContext& c);
Answer<http::Response> patch_settings(const AdminContext& c);

// route_approval.cpp
Answer<http::Response> get_device_routes(const AdminContext& c);
Answer<http::Response> set_device_routes(const AdminContext& c);

// dns_routes.cpp
Answer<http::Response> get_nameservers(const AdminContext& c);
Answer<http::Response> set_nameservers(const AdminContext& c);
Answer<http::Response> get_dns_preferences(const AdminContext& c);
Answer<http::Response> set_dns_preferences(const AdminContext& c);
Answer<http::Response> get_search_paths(const AdminContext& c);
Answer<http::Response> set_search_paths(const AdminContext& c);
Answer<http::Response> get_split_dns(const AdminContext& c);
Answer<http::Response> put_split_dns(const AdminContext& c);
Answer<http::Response> patch_split_dns(const AdminContext& c);
Answer<http::Response> get_dns_configuration(const AdminContext& c);
Answer<http::Response> set_dns_configuration(const AdminContext& c);
Answer<http::Response> get_dns_records(const AdminContext& c);
Answer<http::Response> put_dns_records(const AdminContext& c);

// address_edit.cpp
Answer<http::Response> set_device_address(const AdminContext& c);
Answer<http::Response> undo_device_address(const AdminContext& c);
Answer<http::Response> set_addresses(const AdminContext& c);

// invite_routes.cpp
Answer<http::Response> list_device_invites(const AdminContext& c);
Answer<http::Response> create_device_invites(const AdminContext& c);
Answer<http::Response> get_device_invite(const AdminContext& c);
Answer<http::Response> delete_device_invite(const AdminContext& c);
Answer<http::Response> resend_device_invite(const AdminContext& c);
Answer<http::Response> accept_device_invite(const AdminContext& c);
Answer<http::Response> list_shares(const AdminContext& c);

// key_routes.cpp
Answer<http::Response> create_key(const AdminContext& c);
Answer<http::Response> list_keys(const AdminContext& c);
Answer<http::Response> get_key(const AdminContext& c);
Answer<http::Response> put_key(const AdminContext& c);
Answer<http::Response> delete_key(const AdminContext& c);

// policy_routes.cpp
Answer<http::Response> get_policy(const AdminContext& c);
Answer<http::Response> set_policy(const AdminContext& c);
Answer<http::Response> validate_policy(const AdminContext& c);
Answer<http::Response> preview_policy(const AdminContext& c);
Answer<http::Response> list_policy_versions(const AdminContext& c);
Answer<http::Response> restore_policy(const AdminContext& c);
// policy_who.cpp
Answer<http::Response> explain_access(const AdminContext& c);
// oauth_token.cpp
Answer<http::Response> oauth_token(const AdminContext& c);
Answer<http::Response> exchange_token(const AdminContext& c);

// attribute_routes.cpp
Answer<http::Response> get_attributes(const AdminContext& c);
Answer<http::Response> set_attribute(const AdminContext& c);
Answer<http::Response> delete_attribute(const AdminContext& c);
Answer<http::Response> patch_attributes(const AdminContext& c);

// debug_routes.cpp
Answer<http::Response> ask_device(const AdminContext& c);

// contact_routes.cpp
Answer<http::Response> get_contacts(const AdminContext& c);
Answer<http::Response> patch_contact(const AdminContext& c);
Answer<http::Response> resend_contact_mail(const AdminContext& c);

// posture_routes.cpp
Answer<http::Response> list_integrations(const AdminContext& c);
Answer<http::Response> create_integration(const AdminContext& c);
Answer<http::Response> get_integration(const AdminContext& c);
Answer<http::Response> patch_integration(const AdminContext& c);
Answer<http::Response> delete_integration(const AdminContext& c);
Answer<http::Response> sync_integration(const AdminContext& c);

// service_routes.cpp
Answer<http::Response> list_services(const AdminContext& c);
Answer<http::Response> get_service(const AdminContext& c);
Answer<http::Response> put_service(const AdminContext& c);
Answer<http::Response> delete_service(const AdminContext& c);
Answer<http::Response> list_service_hosts(const AdminContext& c);
Answer<http::Response> get_service_approval(const AdminContext& c);
Answer<http::Response> set_service_approval(const AdminContext& c);

// audit_routes.cpp
Answer<http::Response> audit_log(const AdminContext& c);
Answer<http::Response> verify_audit_log(const AdminContext& c);

// flow_log_routes.cpp
Answer<http::Response> flow_log(const AdminContext& c);

// mail_routes.cpp
Answer<http::Response> try_mail(const AdminContext& c);

// openapi.cpp
Answer<http::Response> openapi(const AdminContext& c);

// registration_routes.cpp
Answer<http::Response> list_registrations(const AdminContext& c);
Answer<http::Response> approve_registration(const AdminContext& c);
Answer<http::Response> reject_registration(const AdminContext& c);

// relay_routes.cpp
Answer<http::Response> list_relays(const AdminContext& c);
Answer<http::Response> get_derp_map(const AdminContext& c);
Answer<http::Response> import_relays(const AdminContext& c);
Answer<http::Response> put_relay_region(const AdminContext& c);
Answer<http::Response> patch_relay_region(const AdminContext& c);
Answer<http::Response> delete_relay_region(const AdminContext& c);
Answer<http::Response> add_relay_source(const AdminContext& c);
Answer<http::Response> delete_relay_source(const AdminContext& c);
Answer<http::Response> fetch_relay_sources(const AdminContext& c);

// wireguard_routes.cpp
Answer<http::Response> list_wireguard_peers(const AdminContext& c);
Answer<http::Response> create_wireguard_peer(const AdminContext& c);
Answer<http::Response> get_wireguard_peer(const AdminContext& c);
Answer<http::Response> patch_wireguard_peer(const AdminContext& c);
Answer<http::Response> delete_wireguard_peer(const AdminContext& c);
Answer<http::Response> get_wireguard_config(const AdminContext& c);

// user_routes.cpp
Answer<http::Response> list_users(const AdminContext& c);
Answer<http::Response> get_user(const AdminContext& c);
Answer<http::Response> create_user(const AdminContext& c);
Answer<http::Response> approve_user(const AdminContext& c);
Answer<http::Response> suspend_user(const AdminContext& c);
Answer<http::Response> restore_user(const AdminContext& c);
Answer<http::Response> delete_user(const AdminContext& c);
Answer<http::Response> set_user_role(const AdminContext& c);
Answer<http::Response> rename_user(const AdminContext& c);
Answer<http::Response> make_login_link(const AdminContext& c);
Answer<http::Response> set_user_password(const AdminContext& c);

// log_stream_routes.cpp
Answer<http::Response> get_log_stream(const AdminContext& c);
Answer<http::Response> put_log_stream(const AdminContext& c);
Answer<http::Response> delete_log_stream(const AdminContext& c);
Answer<http::Response> get_log_stream_status(const AdminContext& c);

// webhook_routes.cpp
Answer<http::Response> list_webhooks(const AdminContext& c);
Answer<http::Response> create_webhook(const AdminContext& c);
Answer<http::Response> get_webhook(const AdminContext& c);
Answer<http::Response> patch_webhook(const AdminContext& c);
Answer<http::Response> delete_webhook(const AdminContext& c);
Answer<http::Response> test_webhook(const AdminContext& c);
Answer<http::Response> rotate_webhook(const AdminContext& c);

// user_invite_routes.cpp
Answer<http::Response> list_user_invites(const AdminContext& c);
Answer<http::Response> create_user_invites(const AdminContext& c);
Answer<http::Response> get_user_invite(const AdminContext& c);
Answer<http::Response> delete_user_invite(const AdminContext& c);
Answer<http::Response> resend_user_invite(const AdminContext& c);

// account_routes.cpp
Answer<http::Response> list_accounts(const AdminContext& c);
Answer<http::Response> create_account(const AdminContext& c);
Answer<http::Response> delete_account(const AdminContext& c);
Answer<http::Response> server_status(const AdminContext& c);
Answer<http::Response> who_am_i(const AdminContext& c);

}  // namespace aya::resources
