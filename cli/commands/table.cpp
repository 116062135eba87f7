#include "cli/commands/table.h"

namespace aya::cli {

std::span<const Command> command_table() {
  static constexpr Command kCommands[] = {
      {"up", "connect, logging in if needed", "[flags]", up},
      {"down", "disconnect, staying logged in", "", down},
      {"status", "list peers and how each is reached", "[flags] [NAME...]", status},
      {"ip", "print addresses of this machine or of a peer", "[-1|-4|-6] [PEER]", ip},
      {"ping", "ask a peer for an answer and show the way it took", "[flags] PEER", ping},
      {"whois", "say who has an address", "[--json] PEER|IP[:PORT]", whois},
      {"whoami", "say who this machine is", "[--json]", whoami},
      {"set", "change settings", "[flags]", set},
      {"get", "print settings", "[flags] [NAME|all]", get},
      {"set-exit-node", "choose which node carries this machine's Internet traffic",
       "[flags] [NAME|IP|auto|none|-]", set_exit_node},
      {"exit-node", "list, propose and choose exit nodes", "list|suggest|use [flags] [NAME]",
       exit_node},
      {"netcheck", "report what the network around here allows", "[flags]", netcheck},
      {"wait", "wait until a machine is connected", "[flags] [running|ip|direct:PEER]", wait},
      {"logout", "disconnect and forget the login", "", logout},
      {"version", "print versions", "[flags]", version},
      {"debug", "look inside the daemon",
       "prefs|netmap|derp-map|watch-ipn|rebind|restun|localapi [METHOD] PATH", debug},
  };
  return kCommands;
}

}  // namespace aya::cli
