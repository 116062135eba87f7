// The program's verbs: one row each, with the arguments and options it takes. run() finds the row,
// checks what was given against it, runs it and turns its end into an exit code.
//
// Results go to standard output, everything else to standard error. With --json results are JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coord-server/app/places.h"
#include "coord-server/commands/admin_client.h"
#include "coord-server/commands/command_line.h"

namespace aya::coord {

struct Invocation {
  const CommandLine& line;
  std::vector<std::string> arguments;  // behind the verb
  Places places;  // of a server on this machine
  AdminClient client;
  bool json = false;
};

using Done = Result<void, Failure>;

struct Verb {
  std::string_view name;       // "node ip"
  std::string_view arguments;  // "N ADDRESS", for the help
  std::string_view summary;
  std::size_t fewest, most;               // arguments
  std::vector<std::string_view> options;  // besides those of every verb
  Done (*run)(const Invocation&);
  bool only_here = false;  // works on the server's folder, so not from afar
};

const std::vector<Verb>& verbs();

// `arguments`: without the program's name. The exit code.
int run(const std::vector<std::string>& arguments);

// Results, to standard output.
void print(std::string_view text);
void print_error(std::string_view text);

// init_command.cpp, serve_command.cpp
Done init_command(const Invocation& call);
Done serve_command(const Invocation& call);

// backup_commands.cpp
Done backup_command(const Invocation& call);
Done restore_command(const Invocation& call);

// config_commands.cpp
Done config_check(const Invocation& call);
Done config_show(const Invocation& call);

// doctor_command.cpp
Done doctor_command(const Invocation& call);

// user_commands.cpp
Done user_add(const Invocation& call);
Done user_list(const Invocation& call);
Done user_remove(const Invocation& call);
Done user_rename(const Invocation& call);
Done user_role(const Invocation& call);
Done user_suspend(const Invocation& call);
Done user_restore(const Invocation& call);
Done user_approve(const Invocation& call);
Done user_link(const Invocation& call);
Done user_password(const Invocation& call);

// invite_commands.cpp
Done invite_add(const Invocation& call);
Done invite_list(const Invocation& call);
Done invite_resend(const Invocation& call);
Done invite_remove(const Invocation& call);

// mail_commands.cpp
Done mail_test(const Invocation& call);
Done contact_list(const Invocation& call);
Done contact_set(const Invocation& call);
Done contact_resend(const Invocation& call);

// account_commands.cpp
Done account_add(const Invocation& call);
Done account_list(const Invocation& call);
Done account_remove(const Invocation& call);

// settings_commands.cpp
Done settings_show(const Invocation& call);
Done settings_set(const Invocation& call);

// client_commands.cpp
Done oauth_add(const Invocation& call);
Done federated_add(const Invocation& call);
Done key_show(const Invocation& call);

// key_commands.cpp
Done key_add(const Invocation& call);
Done key_list(const Invocation& call);
Done key_remove(const Invocation& call);
Done token_add(const Invocation& call);

// address_commands.cpp
Done node_address(const Invocation& call);

// node_commands.cpp
Done node_list(const Invocation& call);
Done node_show(const Invocation& call);
Done node_debug(const Invocation& call);
Done node_remove(const Invocation& call);
Done node_rename(const Invocation& call);
Done node_expire(const Invocation& call);
Done node_no_expire(const Invocation& call);
Done node_tag(const Invocation& call);
Done node_owner(const Invocation& call);

// registration_commands.cpp
Done node_pending(const Invocation& call);
Done node_approve(const Invocation& call);
Done node_reject(const Invocation& call);

// dns_commands.cpp
Done dns_show(const Invocation& call);
Done dns_set(const Invocation& call);
Done dns_split(const Invocation& call);
Done dns_record(const Invocation& call);
Done dns_subdomains(const Invocation& call);

// policy_commands.cpp
Done policy_show(const Invocation& call);
Done policy_set(const Invocation& call);
Done policy_test(const Invocation& call);
Done policy_who(const Invocation& call);
Done policy_log(const Invocation& call);
Done policy_restore(const Invocation& call);

// policy_edit.cpp
Done policy_edit(const Invocation& call);

// route_commands.cpp
Done route_list(const Invocation& call);
Done route_approve(const Invocation& call);
Done route_revoke(const Invocation& call);

// relay_commands.cpp
Done derp_list(const Invocation& call);
Done derp_show(const Invocation& call);
Done derp_add(const Invocation& call);
Done derp_import(const Invocation& call);
Done derp_remove(const Invocation& call);
Done derp_on(const Invocation& call);
Done derp_off(const Invocation& call);
Done derp_score(const Invocation& call);
Done derp_source(const Invocation& call);
Done derp_check(const Invocation& call);

// service_commands.cpp
Done service_list(const Invocation& call);
Done service_show(const Invocation& call);
Done service_add(const Invocation& call);
Done service_set(const Invocation& call);
Done service_remove(const Invocation& call);
Done service_approve(const Invocation& call);
Done service_revoke(const Invocation& call);

// share_commands.cpp
Done share_add(const Invocation& call);
Done share_list(const Invocation& call);
Done share_resend(const Invocation& call);
Done share_remove(const Invocation& call);
Done share_accept(const Invocation& call);

// audit_commands.cpp
Done audit_list(const Invocation& call);
Done audit_verify(const Invocation& call);

// flow_commands.cpp
Done flow_list(const Invocation& call);

// log_stream_commands.cpp
Done log_stream_set(const Invocation& call);
Done log_stream_show(const Invocation& call);
Done log_stream_remove(const Invocation& call);
Done log_stream_status(const Invocation& call);

// posture_commands.cpp
Done posture_list(const Invocation& call);
Done posture_add(const Invocation& call);
Done posture_set(const Invocation& call);
Done posture_remove(const Invocation& call);
Done posture_sync(const Invocation& call);

// webhook_commands.cpp
Done webhook_add(const Invocation& call);
Done webhook_list(const Invocation& call);
Done webhook_events(const Invocation& call);
Done webhook_remove(const Invocation& call);
Done webhook_test(const Invocation& call);
Done webhook_rotate(const Invocation& call);

// status_commands.cpp
Done status_command(const Invocation& call);
Done version_command(const Invocation& call);

// wireguard_commands.cpp
Done wg_add(const Invocation& call);
Done wg_import(const Invocation& call);
Done wg_list(const Invocation& call);
Done wg_show(const Invocation& call);
Done wg_set(const Invocation& call);
Done wg_remove(const Invocation& call);
Done wg_conf(const Invocation& call);
Done wg_key(const Invocation& call);

}  // namespace aya::coord
