// The test double's program: the server of an installation, with a script on its standard input in
// place of the coordinator (scripted_desk.h). Relay and STUN are the real ones.
//
//   control-double DIR
#include <unistd.h>

#include <iostream>

#include "coord-server/app/front_door.h"
#include "coord-server/app/installation.h"
#include "coord-server/app/public_site.h"
#include "coord-server/app/server_keys.h"
#include "coord-server/app/stun_link.h"
#include "coord-server/store/sqlite_store.h"
#include "proto/io/fd_watcher.h"
#include "tests/netns/double/scripted_desk.h"

namespace aya::netns {
namespace {

struct AdmitEveryone final : relay_server::DerpHub::Admission {
  bool admits(const NodePublicKey&, const IpAddress&) override { return true; }
};

// Ends the loop with the script's input.
class ScriptInput {
 public:
  ScriptInput(io::Loop& loop, ScriptedDesk& desk)
      : loop_(loop), desk_(desk), watcher_(loop, STDIN_FILENO, [this] { read(); }) {}

 private:
  void read() {
    char bytes[65536];
    const auto got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got <= 0) return loop_.stop();
    waiting_.append(bytes, static_cast<std::size_t>(got));
    for (auto end = waiting_.find('\n'); end != std::string::npos; end = waiting_.find('\n')) {
      desk_.take_line(waiting_.substr(0, end));
      waiting_.erase(0, end + 1);
    }
  }

  io::Loop& loop_;
  ScriptedDesk& desk_;
  std::string waiting_;
  io::FdWatcher watcher_;
};

int run(const std::string& dir) {
  auto installation = coord::open_installation(coord::Places::in(dir));
  AYA_CHECK(installation);
  const coord::Config& config = installation->config;
  Logger log(LogLevel::Info);
  io::Loop loop;
  SystemRng rng;
  auto storage = store::open_sqlite_store(installation->places.database());
  AYA_CHECK(storage);
  auto keys = coord::load_server_keys(**storage, rng);
  AYA_CHECK(keys);
  auto tls =
      coord::TlsIdentity::load(loop, installation->tls_files(), keys->relay.public_key(), log);
  AYA_CHECK(tls);
  ScriptedDesk desk([](const std::string& line) { std::cout << line << std::endl; });
  AdmitEveryone everyone;
  coord::RelayLink relay(loop, keys->relay, everyone, rng, log);
  serve::PublicFacts facts;
  facts.noise_key = keys->noise.public_key();
  facts.host = config.url.host;
  coord::PublicSite site({loop, desk, relay, **tls, **storage, rng, keys->noise}, facts);
  std::vector<std::unique_ptr<coord::FrontDoor>> doors;
  for (const Endpoint& at : config.listen.endpoints()) {
    auto door = coord::FrontDoor::open(loop, at, site);
    AYA_CHECK(door);
    doors.push_back(std::move(*door));
  }
  auto stun = coord::StunLink::open(loop, *config.stun_listen, rng);
  AYA_CHECK(stun);
  ScriptInput input(loop, desk);
  loop.run();
  return 0;
}

}  // namespace
}  // namespace aya::netns

int main(int, char** arguments) { return aya::netns::run(arguments[1]); }
