// What machines and administrators may ask of a coordinator with one node, a request a line: "R"
// and "M" and a body for the two routes of machines, "T" and an Authorization for a stranger, "P",
// method, target and body for a page in a browser, or method, target and body for the API. "@k",
// "@n" and "@d" stand for an auth key, the node's key and its device id. Each gets one answer,
// addresses stay unique, and a restart changes nothing.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "coord-server/serve/coordinator.h"
#include "coord-server/store/sqlite_store.h"
#include "proto/base/check.h"
#include "proto/keys/private_key.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace aya;

class Server {
 public:
  // A new one, with its first node.
  Server() : storage_(*store::open_sqlite_store(file())) {
    AYA_CHECK(serve::create_first_account(*storage_, "a", "mesh.test", "alice", kWall).has_value());
    start();
    const auto made = api(in_three(
        R"(POST /api/v2/tailnet/-/keys {"capabilities":{"devices":{"create":{"reusable":true}}}})"));
    const std::string_view text = as_text(made.body);
    const auto at = text.find("\"key\":\"") + 7;
    auth_key_ = text.substr(at, text.find('"', at) - at);
    ask(R"(R{"Version":116,"NodeKey":"@n","Hostinfo":{"Hostname":"h"},"Auth":{"AuthKey":"@k"}})");
    const auto* node = coordinator_->registry().find(node_key_);
    AYA_CHECK(node != nullptr);
    device_ = node->record.stable_id;
  }
  // Restarted elsewhere from its files, which nobody writes meanwhile.
  explicit Server(const Server& from)
      : machine_key_(from.machine_key_),
        node_key_(from.node_key_),
        auth_key_(from.auth_key_),
        device_(from.device_) {
    std::filesystem::copy_file(from.file(), file());
    storage_ = *store::open_sqlite_store(file());
    start();
  }
  std::string file() const { return dir_.file("coord.db"); }
  void stop() {
    coordinator_.reset();
    storage_.reset();
  }

  void ask(std::string_view line) {
    const std::string text = filled_in(line);
    if (text.empty()) return;
    if (text[0] == 'R') {
      machine("/machine/register", text.substr(1));
    } else if (text[0] == 'M') {
      machine("/machine/map", text.substr(1));
    } else if (text[0] == 'T') {
      http::Request request;
      request.target = "/api/v2/tailnet/-/devices";
      request.headers.set("Authorization", text.substr(1));
      AYA_CHECK(coordinator_->on_api(request, {}, kWall).status == 401);
    } else if (text[0] == 'P') {
      page(in_three(std::string_view(text).substr(1)));
    } else {
      api(in_three(text));
    }
    advance();
  }

  // By id: everything a restart must keep.
  std::map<std::uint64_t, std::string> nodes() const {
    std::map<std::uint64_t, std::string> out;
    std::set<IpAddress> addresses;
    for (const auto& [account, unused] : coordinator_->registry().accounts()) {
      for (const auto id : coordinator_->registry().nodes_of(account)) {
        const auto& record = coordinator_->registry().find(id)->record;
        AYA_CHECK(addresses.insert(record.ipv4).second && addresses.insert(record.ipv6).second);
        out[static_cast<std::uint64_t>(id.value)] = record.ipv4.to_text() + " " +
                                                    record.ipv6.to_text() + " " + record.label +
                                                    " " + record.node_key.to_text();
      }
    }
    return out;
  }

  void start() {
    coordinator_.reset();
    auto made = serve::Coordinator::make(*storage_, rng_, {}, now_, kWall);
    AYA_CHECK(made.has_value());
    coordinator_ = std::move(*made);
  }

 private:
  static constexpr WallTime kWall{std::chrono::seconds(1767225600)};

  std::string filled_in(std::string_view line) const {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char next = line[i] == '@' && i + 1 < line.size() ? line[i + 1] : '\0';
      const bool stands_for = next == 'k' || next == 'n' || next == 'd';
      if (next == 'k') out += auth_key_;
      if (next == 'n') out += node_key_.to_text();
      if (next == 'd') out += device_;
      if (stands_for) {
        ++i;
      } else {
        out += line[i];
      }
    }
    return out;
  }

  void machine(const std::string& target, std::string_view body) {
    http::Request request;
    request.method = "POST";
    request.target = target;
    append(request.body, as_bytes(body));
    const auto answer =
        coordinator_->on_machine(request, machine_key_, {++last_stream_}, now_, kWall, effects_);
    AYA_CHECK(answer.response.status >= 200 && answer.response.status < 600);
    AYA_CHECK(!answer.streaming || answer.response.status == 200);
    AYA_CHECK(answer.response.status != 500);
  }

  // Method, target and body.
  static http::Request in_three(std::string_view text) {
    http::Request request;
    const auto target = std::min(text.find(' '), text.size());
    request.method = text.substr(0, target);
    text.remove_prefix(std::min(target + 1, text.size()));
    const auto body = std::min(text.find(' '), text.size());
    request.target = text.substr(0, body);
    append(request.body, as_bytes(text.substr(std::min(body + 1, text.size()))));
    return request;
  }

  // By somebody who is not signed in; other servers and passwords never answer well.
  void page(const http::Request& request) {
    auto answer = coordinator_->on_page(request, *IpAddress::parse("192.0.2.1"), kWall);
    while (answer.errand) {
      const auto errand = std::move(answer.errand);
      answer = errand->then({}, kWall);
    }
    AYA_CHECK(answer.page.status >= 200 && answer.page.status < 600 && answer.page.status != 500);
    const std::string_view cookie = answer.page.headers.get("Set-Cookie");
    AYA_CHECK(!cookie.starts_with("ayatori=") || cookie.starts_with("ayatori=;"));
  }

  http::Response api(const http::Request& request) {
    auto answer = coordinator_->on_api(request, {true, "uid 0"}, kWall);
    AYA_CHECK(answer.status >= 200 && answer.status < 600 && answer.status != 500);
    AYA_CHECK(answer.headers.get("Content-Type") == "application/json");
    return answer;
  }

  void advance() {
    coordinator_->advance(now_ += std::chrono::seconds(2), kWall, effects_);
    AYA_CHECK(effects_.trouble.empty());
    effects_.clear();
  }

  test::TempDir dir_;
  test::SeededRng rng_;
  TimePoint now_{std::chrono::hours(1)};
  const MachinePublicKey machine_key_ = MachinePrivateKey::generate(rng_).public_key();
  const NodePublicKey node_key_ = NodePrivateKey::generate(rng_).public_key();
  std::unique_ptr<store::Store> storage_;
  std::unique_ptr<serve::Coordinator> coordinator_;
  serve::Coordinator::Effects effects_;
  std::string auth_key_, device_;
  std::uint64_t last_stream_ = 0;
};

}  // namespace

// A database that waits for no disk.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  ::setenv("TMPDIR", "/dev/shm", 0);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server original;
  original.stop();
  Server server(original);
  std::string_view rest = as_text(std::as_bytes(std::span(data, size)));
  for (int lines = 0; !rest.empty() && lines < 20; ++lines) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    server.ask(line);
  }
  const auto before = server.nodes();
  server.start();
  AYA_CHECK(server.nodes() == before);
  return 0;
}
