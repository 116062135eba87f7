#include "coord-server/app/installation.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/verbs.h"
#include "proto/io/loop.h"

namespace aya::coord {
namespace {

std::string next_steps(
    const Installation& made, const std::string& owner, const std::string& login) {
  const std::string& dir = made.places.option;
  std::string text = "A server for " + made.config.server_url + " is ready in " + made.places.state +
                     ".\n\n1. Run it:\n\n     ayatori-coord " + dir +
                     "serve\n\n2. Let a device in; this prints the line to run there:\n\n"
                     "     ayatori-coord " +
                     dir + "key add --user " + owner + "\n\n   Or sign in as " + owner +
                     " and add devices in a browser; this works once, within a day:\n\n     " +
                     login + "\n\n";
  text += "Devices must reach TCP port " + std::to_string(made.config.url.port);
  if (made.config.stun_listen) {
    text += " and UDP port " + std::to_string(made.config.stun_listen->port);
  }
  text += " of this machine.\nSettings are in " + made.places.config + ".\n";
  if (made.config.own_certificate() && made.config.url.tls) {
    text += "The server made its own certificate, " + made.tls_files().certificate +
            "; the line that key add prints\nmakes devices accept exactly that one.\n";
  }
  return text;
}

}  // namespace

Done init_command(const Invocation& call) {
  InitWish wish;
  wish.places = call.places;
  wish.server_url = call.line.get("server-url");
  wish.listen = call.line.get("listen");
  wish.stun_listen = call.line.get("stun-listen", wish.stun_listen);
  wish.derp_ip = call.line.get("derp-ip");
  wish.tls_cert = call.line.get("tls-cert");
  wish.tls_key = call.line.get("tls-key");
  wish.owner = call.line.get("owner", wish.owner);
  if (wish.server_url.empty()) {
    return Failure{
        Exit::Usage,
        "--server-url is missing: the URL under which devices find this server, as "
        "https://coord.example or https://192.0.2.1"};
  }
  SystemRng rng;
  const io::Loop clock;
  auto made = create_installation(wish, clock.wall_now(), rng);
  if (!made) return Failure{Exit::Failed, made.error().text};
  auto login = make_owner_link(*made, wish.owner, clock.wall_now(), rng);
  if (!login) return Failure{Exit::Failed, login.error().text};
  if (!call.json) {
    print(next_steps(*made, wish.owner, *login));
    return {};
  }
  print(json_text(
      {{"dir", made->places.state},
       {"config", made->places.config},
       {"serverUrl", made->config.server_url},
       {"certificateFile", made->tls_files().certificate},
       {"owner", wish.owner},
       {"loginUrl", *login}}));
  return {};
}

}  // namespace aya::coord
