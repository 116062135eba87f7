#include "coord-server/commands/verbs.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "proto/http/target.h"

namespace aya::coord {
namespace {

const std::vector<OptionKind>& known_options() {
  static const std::vector<OptionKind> kKnown = {
      // clang-format off
      {"access-key", true},
      {"account", true},
      {"actor", true},
      {"address", true},
      {"bucket", true},
      {"audience", true},
      {"cert", true},
      {"claim", true, true},
      {"client", true},
      {"cloud", true},
      {"code", true},
      {"compression", true},
      {"derp-ip", true},
      {"description", true},
      {"dir", true},
      {"dns", true},
      {"dry-run", false},
      {"email", true},
      {"endpoint", true},
      {"ephemeral", false},
      {"event", true},
      {"events", true},
      {"exit-node", false},
      {"expires", true},
      {"f", false},
      {"fallback", false},
      {"file", true},
      {"force", false},
      {"from-pool", false},
      {"grace", true},
      {"h", false},
      {"help", false},
      {"ip", true},
      {"issuer", true},
      {"json", false},
      {"key", true},
      {"listen", true},
      {"multi-use", false},
      {"name", true},
      {"no-exit-node", false},
      {"no-home", false},
      {"node", true},
      {"owner", true},
      {"period", true},
      {"port", true},
      {"prefix", true},
      {"proto", true},
      {"provider", true},
      {"q", false},
      {"region", true},
      {"registered", false},
      {"reset-second-factor", false},
      {"reusable", false},
      {"role", true},
      {"routes", true},
      {"secret-file", true},
      {"server", true},
      {"server-cert", true},
      {"server-url", true},
      {"since", true},
      {"socket", true},
      {"stun-listen", true},
      {"stun-only", false},
      {"stun-port", true},
      {"subject", true},
      {"swap", true},
      {"tag", true},
      {"target", true},
      {"tenant", true},
      {"tls-cert", true},
      {"tls-key", true},
      {"undo", false},
      {"url", true},
      {"user", true},
      {"verbose", false},
      {"version", false},
      {"with-exit-node", false},
      {"yes", false},
      // clang-format on
  };
  return kKnown;
}

const std::vector<std::string_view> kOfEveryVerb = {
    "account", "dir", "h", "help", "json", "server", "server-cert", "socket", "version"};

bool takes(const std::vector<std::string_view>& options, std::string_view name) {
  return std::ranges::find(options, name) != options.end();
}

std::string usage_of(const Verb& verb) {
  std::string text = "ayatori-coord " + std::string(verb.name);
  if (!verb.arguments.empty()) text += ' ' + std::string(verb.arguments);
  for (const std::string_view option : verb.options) {
    const auto kind = std::ranges::find(known_options(), option, &OptionKind::name);
    const std::string dashes = option.size() == 1 ? "-" : "--";
    text += " [" + dashes + std::string(option) + (kind->takes_value ? " …]" : "]");
  }
  return text;
}

// Of the verbs that begin with this word; of all where none does.
std::string help(const std::string& word) {
  const Places places = Places::of_the_system();
  std::string text =
      "Usage: ayatori-coord [--dir DIR | --socket PATH | --server URL] [--account NAME] [--json] "
      "VERB …\n\n";
  const auto is_meant = [&](const Verb& verb) { return verb.name.starts_with(word + ' '); };
  const bool all = word.empty() || std::ranges::none_of(verbs(), is_meant);
  for (const Verb& verb : verbs()) {
    if (!all && !is_meant(verb)) continue;
    text += "  " + usage_of(verb) + "\n      " + std::string(verb.summary) + '\n';
  }
  text += "\nDIR holds all that the server owns; without it " + places.config + " and " +
          places.state + " do.\nN is a node's name, address or id, or the beginning of its name.\n"
          "From another machine: --server URL (or AYATORI_SERVER), a token of `token add` in "
          "AYATORI_API_KEY,\nand where the server made its own certificate --server-cert PIN (or "
          "AYATORI_SERVER_CERT).\n";
  return text;
}

// The verb of most words that the line begins with.
const Verb* find_verb(const std::vector<std::string>& words) {
  for (std::size_t count = std::min<std::size_t>(words.size(), 2); count > 0; --count) {
    const std::string name = count == 2 ? words[0] + ' ' + words[1] : words[0];
    const auto found = std::ranges::find(verbs(), name, &Verb::name);
    if (found != verbs().end()) return &*found;
  }
  return nullptr;
}

Failure unknown_verb(const std::vector<std::string>& words) {
  std::string text = "unknown verb \"" + words[0] + (words.size() > 1 ? ' ' + words[1] : "") + '"';
  std::string near;
  for (const Verb& verb : verbs()) {
    if (verb.name.starts_with(words[0] + ' ')) {
      near += (near.empty() ? "" : ", ") + std::string(verb.name);
    }
  }
  return {Exit::Usage, text + (near.empty() ? "; --help lists them" : "; there is: " + near)};
}

Done check(const Verb& verb, const CommandLine& line, std::size_t arguments) {
  if (arguments < verb.fewest || arguments > verb.most) {
    return Failure{Exit::Usage, "usage: " + usage_of(verb)};
  }
  for (const auto& [name, value] : line.options) {
    if (takes(kOfEveryVerb, name) || takes(verb.options, name)) continue;
    return Failure{Exit::Usage, "no option --" + name + " here; usage: " + usage_of(verb)};
  }
  return {};
}

std::string setting(const CommandLine& line, const char* option, const char* variable) {
  const char* of_environment = std::getenv(variable);
  return line.get(option, of_environment == nullptr ? "" : of_environment);
}

// Absolute, for the program may run from another folder than it is told of.
Result<Places, Failure> places_of(const CommandLine& line) {
  if (!line.has("dir")) return Places::of_the_system();
  std::error_code failed;
  std::string dir = std::filesystem::absolute(line.get("dir"), failed).lexically_normal();
  if (failed) return Failure{Exit::Usage, "--dir: " + failed.message()};
  while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
  return Places::in(dir);
}

// A server elsewhere where the line or the environment names one, and the line no folder or socket.
Result<AdminClient::Server, Failure> server_of(const CommandLine& line, const Places& places) {
  AdminClient::Server out;
  out.socket = line.get("socket", places.socket);
  if (!line.has("server") && (line.has("dir") || line.has("socket"))) return out;
  out.url = setting(line, "server", "AYATORI_SERVER");
  if (out.url.empty()) return out;
  while (out.url.ends_with('/')) out.url.pop_back();
  if (!http::Url::parse(out.url)) {
    return Failure{Exit::Usage, "--server: \"" + out.url + "\" is no http or https URL"};
  }
  if (line.has("account")) {
    return Failure{Exit::Usage, "--account is for the server's own socket: a token is of one network"};
  }
  const char* token = std::getenv("AYATORI_API_KEY");
  out.token = token == nullptr ? "" : token;
  if (out.token.empty()) {
    return Failure{Exit::Denied, "set AYATORI_API_KEY to a token that `token add` made"};
  }
  const std::string pin = setting(line, "server-cert", "AYATORI_SERVER_CERT");
  if (pin.empty()) return out;
  out.pin = tls::parse_pin(pin);
  if (out.pin) return out;
  return Failure{Exit::Usage, "--server-cert: want sha256-raw: and 64 hexadecimal digits"};
}

Done run_line(const CommandLine& line) {
  if (line.has("version")) return version_command({line, {}, {}, {{}, {}}, line.has("json")});
  if (!line.words.empty() && line.words[0] == "help") {
    CommandLine about = line;
    about.words.erase(about.words.begin());
    about.options.emplace("help", "");
    return run_line(about);
  }
  const Verb* verb = find_verb(line.words);
  if (line.has("help") || line.has("h")) {
    print(
        verb == nullptr ? help(line.words.empty() ? "" : line.words[0])
                        : usage_of(*verb) + "\n    " + std::string(verb->summary) + '\n');
    return {};
  }
  if (line.words.empty()) return Failure{Exit::Usage, "no verb given; --help lists them"};
  if (verb == nullptr) return unknown_verb(line.words);
  const auto words = 1 + std::ranges::count(verb->name, ' ');
  const std::vector<std::string> arguments(line.words.begin() + words, line.words.end());
  if (auto good = check(*verb, line, arguments.size()); !good) return good;
  auto places = places_of(line);
  if (!places) return places.error();
  if (verb->only_here && line.has("server")) {
    return Failure{Exit::Usage, std::string(verb->name) + " works on the server's own machine only"};
  }
  auto server = verb->only_here
                    ? AdminClient::Server{line.get("socket", places->socket)}
                    : server_of(line, *places);
  if (!server) return server.error();
  return verb->run(
      {line, arguments, *places, AdminClient(std::move(*server), line.get("account")),
       line.has("json")});
}

}  // namespace

const std::vector<Verb>& verbs() {
  // clang-format off
  static const std::vector<Verb> kVerbs = {
      {"init", "", "make a new server in DIR", 0, 0,
       {"server-url", "listen", "tls-cert", "tls-key", "derp-ip", "stun-listen", "owner"},
       init_command, true},
      {"serve", "", "run the server of DIR", 0, 0, {"verbose"}, serve_command, true},
      {"config check", "", "is the configuration of DIR one a server can start with", 0, 0, {},
       config_check, true},
      {"config show", "", "what is configured, defaults included", 0, 0, {}, config_show, true},
      {"backup", "FILE", "write all of DIR to one file; the server may run", 1, 1, {},
       backup_command, true},
      {"restore", "FILE", "put a backup in the place of what DIR holds; the server may run", 1, 1,
       {"yes"}, restore_command, true},
      {"doctor", "", "is everything well that a server needs", 0, 0, {}, doctor_command, true},
      {"status", "", "what the running server is doing", 0, 0, {}, status_command},
      {"user add", "NAME", "add a user", 1, 1, {"role"}, user_add},
      {"user ls", "", "list users", 0, 0, {}, user_list},
      {"user rm", "NAME", "remove a user, with all devices", 1, 1, {}, user_remove},
      {"user rename", "OLD NEW", "give a user another name", 2, 2, {}, user_rename},
      {"user role", "NAME ROLE", "owner, admin, auditor or member, and what lies between", 2, 2, {},
       user_role},
      {"user suspend", "NAME", "keep a user and all devices out for a while", 1, 1, {},
       user_suspend},
      {"user restore", "NAME", "the opposite", 1, 1, {}, user_restore},
      {"user approve", "NAME", "let a user in who signed in for the first time", 1, 1, {},
       user_approve},
      {"user link", "NAME", "make a link that signs a user in once", 1, 1,
       {"reset-second-factor"}, user_link},
      {"user passwd", "NAME", "set a user's password, read from standard input", 1, 1, {},
       user_password},
      {"invite add", "", "make a link by which somebody becomes a user", 0, 0, {"role", "email", "q"},
       invite_add},
      {"invite ls", "", "list links that nobody has used yet", 0, 0, {}, invite_list},
      {"invite resend", "ID", "mail a link once more", 1, 1, {}, invite_resend},
      {"invite rm", "ID", "take a link back", 1, 1, {}, invite_remove},
      {"mail test", "ADDRESS", "send a mail to try out whether that works", 1, 1, {}, mail_test,
       true},
      {"contact ls", "", "the addresses to write to about the network", 0, 0, {}, contact_list},
      {"contact set", "account|support|security ADDRESS",
       "write there from now on; where mail is sent, once somebody there has confirmed it", 2, 2,
       {}, contact_set},
      {"contact resend", "account|support|security", "mail the link to confirm it once more", 1, 1,
       {}, contact_resend},
      {"account add", "NAME", "make another network on this server", 1, 1, {"owner"}, account_add},
      {"account ls", "", "list the networks of this server", 0, 0, {}, account_list},
      {"account rm", "NAME", "remove a network that has no devices", 1, 1, {}, account_remove},
      {"key add", "", "make a key by which a new device joins", 0, 0,
       {"user", "tag", "reusable", "ephemeral", "expires", "description", "ip", "q"}, key_add},
      {"key ls", "", "list keys and tokens", 0, 0, {}, key_list},
      {"key show", "ID", "everything known of a key or token but its secret", 1, 1, {}, key_show},
      {"key rm", "ID", "revoke a key or token", 1, 1, {}, key_remove},
      {"node ls", "", "list devices", 0, 0, {}, node_list},
      {"node show", "N", "everything known of a device", 1, 1, {}, node_show},
      {"node debug", "N PATH",
       "ask a device about itself: /debug/health, /debug/netmap, /debug/prefs, /echo, …", 2, 2, {},
       node_debug},
      {"node ip", "[N [ADDRESS]]",
       "give devices other addresses, live: one, two that swap, or as many as FILE says", 0, 2,
       {"swap", "file", "undo", "from-pool", "grace", "dry-run", "force"}, node_address},
      {"node rename", "N NAME", "give a device another name; \"\" is its host name", 2, 2, {},
       node_rename},
      {"node expire", "N", "make a device log in again", 1, 1, {}, node_expire},
      {"node no-expire", "N", "let a device stay logged in for good", 1, 1, {}, node_no_expire},
      {"node tag", "N TAG[,TAG…]", "what a device is for; \"\" gives it back to its owner", 2, 2, {},
       node_tag},
      {"node owner", "N USER", "give a device to another user", 2, 2, {}, node_owner},
      {"node rm", "N", "remove a device", 1, 1, {}, node_remove},
      {"node pending", "", "list devices that wait to be let in", 0, 0, {}, node_pending},
      {"node approve", "CODE|N", "let a device in: by the code it showed, or one that joined", 1, 1,
       {"user"}, node_approve},
      {"node reject", "CODE", "do not let a device in", 1, 1, {}, node_reject},
      {"route ls", "", "list the routes that devices offer, and which are in use", 0, 0, {},
       route_list},
      {"route approve", "N [CIDR …]", "let a device carry routes; without CIDR all its subnets", 1,
       100, {"exit-node"}, route_approve},
      {"route revoke", "N [CIDR …]", "the opposite", 1, 100, {"exit-node"}, route_revoke},
      {"dns show", "", "how names are resolved in the network", 0, 0, {}, dns_show},
      {"dns set", "nameservers|search|magic VALUE …",
       "name servers (\"none\"), search domains (\"none\"), names of devices (on, off)", 2, 50,
       {"fallback", "with-exit-node"}, dns_set},
      {"dns split", "DOMAIN SERVER …", "ask these servers about a domain; \"none\" ends that", 2, 50,
       {"with-exit-node"}, dns_split},
      {"dns record", "add|rm NAME [VALUE]", "a name of your own, for an address or a device", 2, 3,
       {}, dns_record},
      {"dns subdomains", "N on|off", "let every name below a device's name lead to it", 2, 2, {},
       dns_subdomains},
      {"derp ls", "", "list the relays of this server", 0, 0, {}, derp_list},
      {"derp show", "", "the map of relays that nodes of the network get", 0, 0, {}, derp_show},
      {"derp add", "ID HOST", "tell nodes of a relay elsewhere, or of another node of one", 2, 2,
       {"code", "name", "ip", "port", "stun-port", "cert", "stun-only", "no-home"}, derp_add},
      {"derp import", "FILE", "enter every region of a map (\"-\": standard input)", 1, 1, {},
       derp_import},
      {"derp rm", "ID [NODE]", "remove a region that was entered, or one node of it", 1, 2, {},
       derp_remove},
      {"derp on", "ID", "tell nodes of a region again", 1, 1, {}, derp_on},
      {"derp off", "ID", "tell nodes no longer of a region; 900 is this server's own", 1, 1, {},
       derp_off},
      {"derp score", "ID FACTOR", "make a region look nearer (below 1) or farther", 2, 2, {},
       derp_score},
      {"derp source", "add|rm|fetch [URL]", "a map elsewhere that is fetched every day", 1, 2, {},
       derp_source},
      {"derp check", "", "do the relays answer this machine", 0, 0, {}, derp_check},
      {"policy show", "[VERSION]", "who may reach whom, as it was written", 0, 1, {}, policy_show},
      {"policy edit", "", "change it in $EDITOR; checked and compared before it is in force", 0, 0,
       {"yes"}, policy_edit},
      {"policy set", "FILE", "put FILE (\"-\": standard input) in force; its tests must pass", 1, 1,
       {}, policy_set},
      {"policy test", "FILE", "check FILE and run its tests; nothing changes", 1, 1, {},
       policy_test},
      {"policy check", "FILE", "the same", 1, 1, {}, policy_test},
      {"policy who", "A B:PORT", "may A (a device, user, tag, address) reach B, and by which rules",
       2, 2, {"proto"}, policy_who},
      {"policy log", "", "list the versions there have been", 0, 0, {}, policy_log},
      {"policy restore", "VERSION", "put an earlier version in force again", 1, 1, {},
       policy_restore},
      {"service ls", "", "list services: names with addresses of their own", 0, 0, {}, service_list},
      {"service show", "NAME", "one of them, and the devices that answer for it", 1, 1, {},
       service_show},
      {"service add", "NAME", "make one; devices then offer it with `tailscale serve --service`", 1,
       1, {"port", "tag", "address", "description"}, service_add},
      {"service set", "NAME", "change one, live; --address takes one or two, with a comma", 1, 1,
       {"port", "tag", "address", "description", "force"}, service_set},
      {"service rm", "NAME", "remove one", 1, 1, {}, service_remove},
      {"service approve", "NAME N", "let a device answer for it", 2, 2, {}, service_approve},
      {"service revoke", "NAME N", "and no longer, whatever the policy says", 2, 2, {},
       service_revoke},
      {"share add", "N", "make a link by which another network adds a device of ours", 1, 1,
       {"email", "exit-node", "multi-use", "q"}, share_add},
      {"share ls", "", "links made, and devices that others share with us", 0, 0, {}, share_list},
      {"share resend", "ID", "mail a link once more", 1, 1, {}, share_resend},
      {"share rm", "ID", "take a link back with all that came of it, or leave one", 1, 1, {},
       share_remove},
      {"share accept", "LINK", "add the device that a link shares", 1, 1, {}, share_accept},
      {"webhook add", "URL", "tell a program everything that happens, or only --events NAME,…",
       1, 1, {"events", "provider"}, webhook_add},
      {"webhook ls", "", "list webhooks, and whether messages arrive", 0, 0, {}, webhook_list},
      {"webhook events", "ID EVENT[,EVENT…]", "tell other things than before", 2, 2, {},
       webhook_events},
      {"webhook test", "ID", "send a message to try it out", 1, 1, {}, webhook_test},
      {"webhook rotate", "ID", "sign with another secret from now on", 1, 1, {}, webhook_rotate},
      {"webhook rm", "ID", "remove a webhook", 1, 1, {}, webhook_remove},
      {"log-stream set", "LOG [DESTINATION]",
       "send LOG (configuration: the audit log; network: flow logs) as it grows to splunk, "
       "elastic, panther, cribl, datadog, axiom at --url with the token in --secret-file, or to a "
       "bucket of s3; or to what --file says, as the API has it", 1, 2,
       {"url", "user", "secret-file", "bucket", "region", "prefix", "access-key", "period",
        "compression", "file"}, log_stream_set},
      {"log-stream show", "LOG", "where LOG is sent", 1, 1, {}, log_stream_show},
      {"log-stream status", "LOG", "does it arrive", 1, 1, {}, log_stream_status},
      {"log-stream rm", "LOG", "send LOG no longer", 1, 1, {}, log_stream_remove},
      {"posture add", "PROVIDER",
       "take the state of machines from falcon, fleet, huntress, intune, jamfpro, kandji, kolide "
       "or sentinelone, for policies to ask for; the secret is read from standard input or a file",
       1, 1, {"cloud", "client", "tenant", "secret-file"}, posture_add},
      {"posture ls", "", "list these services, and how the last questions to them went", 0, 0, {},
       posture_list},
      {"posture set", "PROVIDER", "ask otherwise; what is not said stays", 1, 1,
       {"cloud", "client", "tenant", "secret-file"}, posture_set},
      {"posture sync", "PROVIDER", "ask now instead of within a quarter of an hour", 1, 1, {},
       posture_sync},
      {"posture rm", "PROVIDER", "ask no more, and forget what it said", 1, 1, {}, posture_remove},
      {"wg add", "NAME",
       "a plain WireGuard device of ours that others may reach; then wg conf, for it to know them", 1,
       1,
       {"key", "endpoint", "exit-node", "routes", "dns", "address", "node", "tag", "user"}, wg_add},
      {"wg import", "NAME FILE",
       "a company's server, from its wg-quick file, for the device --node (N or N=ADDRESS, several "
       "with commas) whose own key (wg key) the company has been given", 2, 2,
       {"node", "registered", "endpoint", "exit-node", "no-exit-node", "routes", "dns", "address",
        "tag", "user"}, wg_import},
      {"wg ls", "", "list plain WireGuard devices", 0, 0, {}, wg_list},
      {"wg show", "N", "everything known of one", 1, 1, {}, wg_show},
      {"wg set", "N",
       "change one, live; lists replace what was, \"none\" empties them; --node N=ADDRESS says how "
       "the other side knows N since its key was entered there, N=none that it does not, all that "
       "it knows every device", 1, 1,
       {"key", "endpoint", "exit-node", "no-exit-node", "routes", "dns", "node"}, wg_set},
      {"wg rm", "N", "remove one", 1, 1, {}, wg_remove},
      {"wg conf", "N", "the wg-quick file for it, with every device that may meet it as [Peer]", 1, 1,
       {}, wg_conf},
      {"wg key", "N", "a device's public key, as companies want it", 1, 1, {}, wg_key},
      {"token add", "", "make a token for the REST API", 0, 0,
       {"user", "expires", "description", "q"}, token_add},
      {"token ls", "", "list keys and tokens", 0, 0, {}, key_list},
      {"token rm", "ID", "revoke a token", 1, 1, {}, key_remove},
      {"oauth add", "SCOPE[,SCOPE…]", "make a client for the REST API that is no person", 1, 1,
       {"tag", "description", "q"}, oauth_add},
      {"federated add", "SCOPE[,SCOPE…]",
       "let programs in that another server vouches for by tokens: https ISSUER, whose tokens say "
       "SUBJECT and, for each --claim NAME=PATTERN, that; * stands for any characters", 1, 1,
       {"issuer", "subject", "audience", "claim", "tag", "description", "q"}, federated_add},
      {"settings show", "", "what holds for the whole network", 0, 0, {}, settings_show},
      {"settings set", "NAME VALUE", "change one of these", 2, 2, {}, settings_set},
      {"audit ls", "",
       "who changed what; by default in the last day. An event is an action (UPDATE), with what it "
       "was done to (NODE.UPDATE), or a part of that (NODE.UPDATE.ADDRESS)", 0, 0,
       {"since", "actor", "target", "event", "f"}, audit_list},
      {"audit", "", "the same", 0, 0, {"since", "actor", "target", "event", "f"}, audit_list},
      {"audit verify", "", "does the log still say what was written, in every network", 0, 0, {},
       audit_verify},
      {"flows", "",
       "who talked with whom, and how much; by default in the last day. Nodes count after "
       "`settings set networkFlowLoggingOn true`; what goes to the Internet by an exit node is one sum", 0, 0,
       {"since", "node", "f"}, flow_list},
      {"version", "", "print the version", 0, 0, {}, version_command},
  };
  // clang-format on
  return kVerbs;
}

int run(const std::vector<std::string>& arguments) {
  auto line = parse_command_line(arguments, known_options());
  const Done done = line ? run_line(*line) : Done(line.error());
  if (done) return static_cast<int>(Exit::Ok);
  print_error("ayatori-coord: " + done.error().text + '\n');
  return static_cast<int>(done.error().code);
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace aya::coord
