#include "cli/commands/table.h"

#include <algorithm>

namespace aya::cli {
namespace {

constexpr bool kHidden = true;

// clang-format off
constexpr Command kCommands[] = {
    {"up", "connect, logging in if needed", "[flags]", up},
    {"down", "disconnect, staying logged in", "[flags]", down},
    {"status", "list peers and how each is reached", "[flags] [NAME...]", status, "", Offer::Nodes},
    {"ip", "print addresses of this machine or of a peer", "[-1|-4|-6] [PEER]", ip, "", Offer::Nodes},
    {"ping", "ask a peer for an answer and show the way it took", "[flags] PEER", ping, "", Offer::Nodes},
    {"whois", "say who has an address", "[--json] PEER|IP[:PORT]", whois, "", Offer::Nodes},
    {"whoami", "say who this machine is", "[--json]", whoami},
    {"set", "change settings", "[flags]", set},
    {"get", "print settings", "[flags] [NAME|all]", get, "", Offer::Settings},
    {"set-exit-node", "choose which node carries this machine's Internet traffic", "[flags] [NAME|IP|auto|none|-]", set_exit_node, "auto none", Offer::ExitNodes},
    {"exit-node", "list, propose and choose exit nodes", "list|suggest|use [flags] [NAME]", exit_node, "list suggest use", Offer::ExitNodes},
    {"netcheck", "report what the network around here allows", "[flags]", netcheck},
    {"nc", "connect a terminal or a pipe to a port", "HOST PORT", nc, "", Offer::Nodes},
    {"dns", "show how names are resolved, or resolve one", "status [--all] [--json] | query [--json] NAME [TYPE]", dns, "status query"},
    {"wait", "wait until a machine is connected", "[flags] [running|ip|direct:PEER]", wait, "running ip"},
    {"login", "log in as somebody else too", "[flags]", login},
    {"logout", "disconnect and forget the login", "[flags]", logout},
    {"switch", "use another login of this machine", "ID|NAME | --list [--json] | remove ID|NAME", switch_login, "remove", Offer::Logins},
    {"metrics", "print what the daemon counts", "[print] | write PATH", metrics, "print write"},
    {"bugreport", "collect what helps to find a fault", "[flags] [NOTE]", bugreport},
    {"version", "print versions", "[flags]", version},
    {"completion", "print a script that completes these commands in a shell", "bash|zsh|fish|powershell", completion, "bash zsh fish powershell"},
    {"debug", "look inside the daemon", "prefs|netmap|derp-map|watch-ipn|daemon-logs|metrics|reload-config|rebind|restun|localapi [METHOD] PATH", debug, "prefs netmap derp-map watch-ipn daemon-logs metrics reload-config rebind restun localapi"},

    // Scripts for the stock program ask for these, and get an answer where there is an honest one.
    {"cert", "certificates of the network", "[flags] DOMAIN", cert, "", Offer::Nothing, kHidden},
    {"file", "files sent by other nodes", "cp|get", file, "cp get", Offer::Nothing, kHidden},
    {"funnel", "what is served to the Internet", "status [--json]", funnel, "status", Offer::Nothing, kHidden},
    {"lock", "signatures over the nodes of the network", "status [--json]", lock, "status", Offer::Nothing, kHidden},
    {"serve", "what is served to the network", "status [--json]", serve, "status", Offer::Nothing, kHidden},
    {"appc-routes", "routes of an app connector", "", not_built, "", Offer::Nothing, kHidden},
    {"configure", "set up other programs", "", not_built, "", Offer::Nothing, kHidden},
    {"drive", "shared folders", "", not_built, "", Offer::Nothing, kHidden},
    {"id-token", "a token that proves this node", "", not_built, "", Offer::Nothing, kHidden},
    {"ssh", "a shell on a node", "", not_built, "", Offer::Nothing, kHidden},
    {"systray", "an icon on the desktop", "", not_built, "", Offer::Nothing, kHidden},
    {"update", "update this program", "", not_built, "", Offer::Nothing, kHidden},
    {"web", "a page to steer this node", "", not_built, "", Offer::Nothing, kHidden},
};
// clang-format on

}  // namespace

std::span<const Command> command_table() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : &*found;
}

}  // namespace aya::cli
