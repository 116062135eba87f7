// A machine's connection in memory: real handshake, records, HTTP/2 and coordinator, no network.
#include "coord-server/app/noise_link.h"

#include <gtest/gtest.h>

#include "coord-server/app/coordinator_link.h"
#include "coord-server/store/sqlite_store.h"
#include "proto/control/early_payload.h"
#include "proto/control/json_text.h"
#include "proto/control/map_response.h"
#include "tests/coord-server/app/fake_stream.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::coord {
namespace {

// The client's end of a connection.
class Machine {
 public:
  Machine(const MachinePrivateKey& server, CoordinatorLink& core, Rng& rng)
      : key_(MachinePrivateKey::generate(rng)),
        client_(key_, server.public_key(), 116, rng),
        h2_(http::H2Session::Role::Client, small_windows()) {
    node = NodePrivateKey::generate(rng).public_key();
    auto session = noise::answer_initiation(server, client_.initiation(), rng);
    EXPECT_TRUE(session);
    link_ = std::make_unique<NoiseLink>(
        std::make_unique<FakeStream>(wire), *session, Buffer(), rng, core,
        [this](NoiseLink&) { link_.reset(); });
    Buffer greeting = wire.take();
    auto answer = client_.read_response(greeting);
    auto* done = std::get_if<noise::ControlClient::Established>(&answer);
    EXPECT_NE(done, nullptr);
    in_.emplace(done->result.keys.receive);
    out_.emplace(done->result.keys.send);
    hear(Bytes(greeting).subspan(done->consumed));
    link_->begin({});
  }

  http::H2Stream ask(std::string_view path, const std::string& json) {
    http::Request request;
    request.method = "POST";
    request.target = path;
    append(request.body, as_bytes(json));
    const auto stream = h2_.request(request);
    EXPECT_TRUE(stream);
    flush();
    return stream.value_or(0);
  }
  void flush() {
    Buffer plain, records;
    h2_.take_output(plain);
    EXPECT_TRUE(out_->seal(plain, records));
    wire.say(records);
  }
  // Reads what the server wrote since, and takes body bytes off only if `consuming`.
  void read(bool consuming = true) {
    hear(wire.take());
    for (const http::H2Event& event : h2_.take_events()) {
      if (const auto* piece = std::get_if<http::H2BodyArrived>(&event)) {
        append(body, piece->bytes);
        if (consuming) h2_.consumed(piece->stream, piece->bytes.size());
      } else if (const auto* head = std::get_if<http::H2ResponseStarted>(&event)) {
        status = head->response.status;
      }
    }
    flush();
  }
  bool connected() const { return link_ != nullptr; }
  MachinePublicKey machine_key() const { return key_.public_key(); }

  FakeStream::Wire wire;
  NodePublicKey node;
  Buffer body;
  int status = 0;

 private:
  static http::H2Options small_windows() {
    http::H2Options options = http::H2Options::client();
    options.stream_window = 65'535;
    return options;
  }
  void hear(Bytes records) {
    Buffer plain, http2;
    EXPECT_TRUE(in_->feed(records, plain));
    EXPECT_TRUE(early_.feed(plain, http2));
    EXPECT_TRUE(h2_.receive(http2));
  }

  MachinePrivateKey key_;
  noise::ControlClient client_;
  std::optional<control::RecordOpener> in_;
  std::optional<control::RecordSealer> out_;
  control::EarlyPayloadSplitter early_;
  http::H2Session h2_;
  std::unique_ptr<NoiseLink> link_;
};

class NoiseLinkTest : public testing::Test, public CoordinatorLink::Host {
 protected:
  NoiseLinkTest() {
    storage = std::move(*store::open_sqlite_store(dir.file("coord.db")));
    EXPECT_TRUE(
        serve::create_first_account(*storage, "default", "mesh.test", "alice", loop.wall_now()));
    auto made = serve::Coordinator::make(*storage, rng, {}, loop.now(), loop.wall_now());
    EXPECT_TRUE(made);
    core = std::move(*made);
    link = std::make_unique<CoordinatorLink>(loop, *core, log, *this);
  }
  void on_revoked(const NodePublicKey&) override {}
  void fetch_relays(const std::string&) override {}
  void post(const delivery::Post&) override {}
  void fetch_document(const federation::Fetch&) override {}
  void send(const mail::Outgoing&) override {}
  std::size_t relay_clients() const override { return 0; }

  void run_for(Duration time) {
    bool over = false;
    io::Timer timer(loop, [&] { over = true; });
    timer.arm_in(time);
    loop.run_until([&] { return over; }, time + 5s);
  }

  std::string api(const std::string& method, const std::string& target, const std::string& body) {
    http::Request request;
    request.method = method;
    request.target = target;
    append(request.body, as_bytes(body));
    const http::Response response = *link->ask_api(request, {true, "test"}, {}, nullptr).response;
    EXPECT_EQ(response.status, 200) << as_text(response.body);
    return std::string(as_text(response.body));
  }
  std::string auth_key() {
    const std::string made =
        api("POST", "/api/v2/tailnet/-/keys",
            R"({"capabilities":{"devices":{"create":{"reusable":true}}}})");
    const std::size_t begin = made.find("aykey-auth-");
    return made.substr(begin, made.find_first_of("\" ", begin) - begin);
  }

  static std::string registration(const NodePublicKey& node, const std::string& key) {
    control::RegisterRequest request;
    request.version = 116;
    request.node_key = node;
    request.auth = control::RegisterAuth{key};
    request.hostinfo.emplace().hostname = "node";
    return control::encode(request);
  }
  std::string map_request(const NodePublicKey& node, bool stream) {
    control::MapRequest request;
    request.version = 116;
    request.node_key = node;
    request.disco_key = DiscoPrivateKey::generate(rng).public_key();
    request.hostinfo.emplace().hostname = "node";
    request.stream = stream;
    request.omit_peers = !stream;
    return control::encode(request);
  }
  // A node that is merely known.
  NodePublicKey silent_peer(const std::string& key) {
    const MachinePublicKey machine = MachinePrivateKey::generate(rng).public_key();
    const NodePublicKey node = NodePrivateKey::generate(rng).public_key();
    struct Nobody final : MapReader {
      void on_map_frame(mapper::StreamId, Bytes) override {}
      void on_map_end(mapper::StreamId) override {}
      void on_answer(mapper::StreamId, const http::Response&) override {}
    } nobody;
    http::Request request;
    request.method = "POST";
    request.target = "/machine/register";
    append(request.body, as_bytes(registration(node, key)));
    EXPECT_EQ(link->ask(request, machine, nobody).response.status, 200);
    request.target = "/machine/map";
    request.body.clear();
    append(request.body, as_bytes(map_request(node, false)));
    EXPECT_EQ(link->ask(request, machine, nobody).response.status, 200);
    return node;
  }

  test::TempDir dir;
  test::SeededRng rng;
  io::Loop loop;
  Logger log{LogLevel::Error};
  MachinePrivateKey server = MachinePrivateKey::generate(rng);
  std::unique_ptr<store::Store> storage;
  std::unique_ptr<serve::Coordinator> core;
  std::unique_ptr<CoordinatorLink> link;
};

TEST_F(NoiseLinkTest, LetsAMachineJoinAndReadItsMap) {
  Machine machine(server, *link, rng);
  machine.ask("/machine/register", registration(machine.node, auth_key()));
  machine.read();
  EXPECT_EQ(machine.status, 200);
  const auto registered = control::decode<control::RegisterResponse>(as_text(machine.body));
  ASSERT_TRUE(registered);
  EXPECT_EQ(registered->error, "");
  machine.body.clear();
  machine.ask("/machine/map", map_request(machine.node, true));
  run_for(20ms);
  machine.read();
  control::MapFrameDecoder frames(control::Compression::None);
  frames.feed(machine.body);
  auto first = frames.next();
  ASSERT_TRUE(first && *first);
  auto message = control::decode<control::MapResponse>(**first);
  ASSERT_TRUE(message && message->node);
  EXPECT_EQ(message->node->key, machine.node);
  EXPECT_EQ(core->streams().size(), 1u);
}

TEST_F(NoiseLinkTest, ClosesItsPollsWithTheConnection) {
  auto machine = std::make_unique<Machine>(server, *link, rng);
  machine->ask("/machine/register", registration(machine->node, auth_key()));
  machine->ask("/machine/map", map_request(machine->node, true));
  EXPECT_EQ(core->streams().size(), 1u);
  machine.reset();
  EXPECT_EQ(core->streams().size(), 0u);
}

TEST_F(NoiseLinkTest, EndsAConnectionThatBreaksTheRecords) {
  Machine machine(server, *link, rng);
  machine.wire.say(Buffer(2000, std::byte{0x04}));
  EXPECT_FALSE(machine.connected());
  EXPECT_TRUE(machine.wire.closed);
}

// Everybody is renamed again and again while one machine does not read: what it costs stays
// bounded, and once it reads it ends where the others are.
TEST_F(NoiseLinkTest, HoldsBackFromAMachineThatDoesNotRead) {
  const std::string key = auth_key();
  Machine machine(server, *link, rng);
  machine.ask("/machine/register", registration(machine.node, key));
  machine.read();
  machine.body.clear();
  machine.ask("/machine/map", map_request(machine.node, true));
  run_for(20ms);
  std::vector<NodePublicKey> peers;
  for (int i = 0; i < 60; ++i) peers.push_back(silent_peer(key));
  machine.wire.stuck = true;
  std::size_t rounds = 0;
  for (; rounds < 20; ++rounds) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const nodes::Node& node = *core->registry().find(peers[i]);
      api("POST", "/api/v2/device/" + node.record.stable_id + "/name",
          R"({"name":"r)" + std::to_string(rounds) + "-" + std::to_string(i) + "\"}");
    }
    run_for(60ms);
  }
  const std::size_t made = core->streams().counters().deltas;
  EXPECT_LT(made, rounds) << "it was held back";
  EXPECT_LE(machine.wire.written.size(), io::ByteStream::kHighWater + 64 * 1024);
  for (int i = 0; i < 20; ++i) {  // now it reads
    machine.wire.drain();
    machine.read();
    run_for(60ms);
  }
  control::MapFrameDecoder frames(control::Compression::None);
  frames.feed(machine.body);
  std::map<control::NodeId, std::string> names;
  for (auto json = frames.next(); json && *json; json = frames.next()) {
    const auto message = control::decode<control::MapResponse>(**json);
    ASSERT_TRUE(message);
    for (const auto& peer : message->peers_changed) names[peer.id] = peer.name;
    for (const auto& peer : message->peers) names[peer.id] = peer.name;
  }
  EXPECT_TRUE(frames.at_boundary());
  ASSERT_EQ(names.size(), peers.size());
  for (const auto& [id, name] : names) EXPECT_TRUE(name.starts_with("r19-")) << name;
}

}  // namespace
}  // namespace aya::coord
