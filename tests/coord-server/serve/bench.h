// The whole coordinator in virtual time over a real database, and machines that talk to it the way
// clients do: requests as JSON, maps as frames, folded by the client's own fold.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coord-server/serve/coordinator.h"
#include "coord-server/store/sqlite_store.h"
#include "daemon/netmap/fold.h"
#include "proto/control/json_text.h"
#include "proto/control/map_frame.h"
#include "proto/control/register.h"
#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"
#include "proto/keys/private_key.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::serve {

using Json = nlohmann::json;

struct Machine {
  MachinePublicKey machine;
  NodePublicKey key;
  DiscoPublicKey disco;
  std::string host_name;
  std::vector<Prefix> offered;  // routes

  // What its map streams have brought.
  std::optional<mapper::StreamId> stream;
  control::Compression compression = control::Compression::Zstd;
  std::unique_ptr<control::MapFrameDecoder> decoder;
  netmap::State state;
  std::vector<control::MapResponse> received;
  bool ended = false;
};

class Bench : public testing::Test {
 protected:
  Bench() {
    storage = std::move(*store::open_sqlite_store(dir.file("coord.db")));
    EXPECT_TRUE(create_first_account(*storage, "default", "mesh.test", "alice", wall));
    start();
  }

  // Also a restart: what was only in memory is lost, as by a kill.
  void start() {
    coordinator.reset();
    Coordinator::Setup setup;
    setup.facts.server_url = "https://coord.test";
    setup.facts.version = "test";
    setup.facts.certificate_pin = "sha256-raw:00";
    setup.relay.host = "coord.test";
    setup.clock = [] { return TimePoint{}; };  // work takes no time here
    setup.mail_from = mail_from;
    auto made = Coordinator::make(*storage, rng, std::move(setup), now, wall);
    ASSERT_TRUE(made) << made.error().to_text();
    coordinator = std::move(*made);
    for (Machine* machine : machines) machine->stream.reset();
  }

  void pump() {
    Coordinator::Effects effects;
    coordinator->advance(now, wall, effects);
    deliver(effects);
  }

  void advance(Duration by) {
    const TimePoint end = now + by;
    for (;;) {
      pump();
      const auto next = coordinator->next_deadline(now, wall);
      const TimePoint to = next && *next < end ? std::max(*next, now) : end;
      wall += to - now;
      now = to;
      if (now == end) break;
    }
    pump();
  }

  Machine& machine(const std::string& host_name) {
    auto made = std::make_unique<Machine>();
    made->machine = MachinePrivateKey::generate(rng).public_key();
    made->key = NodePrivateKey::generate(rng).public_key();
    made->disco = DiscoPrivateKey::generate(rng).public_key();
    made->host_name = host_name;
    machines.push_back(made.get());
    owned.push_back(std::move(made));
    return *machines.back();
  }

  control::RegisterRequest register_request(const Machine& m, const std::string& auth_key) {
    control::RegisterRequest request;
    request.version = 116;
    request.node_key = m.key;
    request.hostinfo.emplace().hostname = m.host_name;
    request.hostinfo->os = "linux";
    if (!auth_key.empty()) request.auth = control::RegisterAuth{auth_key};
    return request;
  }

  control::RegisterResponse send_register(
      const Machine& m, const control::RegisterRequest& request) {
    auto answer = send(m, "/machine/register", control::encode(request));
    EXPECT_EQ(answer.response.status, 200) << as_text(answer.response.body);
    auto decoded = control::decode<control::RegisterResponse>(as_text(answer.response.body));
    EXPECT_TRUE(decoded);
    return decoded ? *decoded : control::RegisterResponse{};
  }

  // Waits at a URL it was given. The number its answer will come under.
  mapper::StreamId follow(const Machine& m, const std::string& url) {
    control::RegisterRequest request = register_request(m, "");
    request.followup = url;
    const auto answer = send(m, "/machine/register", control::encode(request));
    EXPECT_TRUE(answer.waiting) << as_text(answer.response.body);
    return mapper::StreamId{last_stream};
  }

  control::MapRequest map_request(const Machine& m) {
    control::MapRequest request;
    request.version = 116;
    request.compress = m.compression == control::Compression::Zstd ? "zstd" : "";
    request.node_key = m.key;
    request.disco_key = m.disco;
    request.hostinfo.emplace().hostname = m.host_name;
    request.hostinfo->os = "linux";
    request.hostinfo->net_info.emplace().preferred_derp = 900;
    request.hostinfo->routable_ips = m.offered;
    request.endpoints = {*Endpoint::parse("192.0.2.7:41641")};
    request.endpoint_types = {control::EndpointType::Stun};
    return request;
  }

  int poll(Machine& m) {
    control::MapRequest request = map_request(m);
    request.stream = true;
    return send_map(m, request);
  }

  int send_map(Machine& m, const control::MapRequest& request) {
    Coordinator::Effects effects;
    const mapper::StreamId fresh{++last_stream};
    auto answer = coordinator->on_machine(
        http_request("POST", "/machine/map", control::encode(request)), m.machine, fresh, now, wall,
        effects);
    if (answer.streaming) {
      m.stream = fresh;
      m.ended = false;
      m.decoder = std::make_unique<control::MapFrameDecoder>(m.compression);
      m.state.begin_poll();
    }
    last_body = answer.response.body;
    deliver(effects);
    pump();
    return answer.response.status;
  }

  // What the server asks a machine: the last question among what it was sent.
  struct Question {
    http::Request request;
    std::string path;  // where the answer goes
  };
  std::optional<Question> question(Machine& m) {
    std::optional<Question> out;
    for (const control::MapResponse& message : std::exchange(m.received, {})) {
      if (!message.ping_request) continue;
      http::RequestParser parser;
      EXPECT_TRUE(parser.feed(message.ping_request->payload) && parser.complete());
      const std::string& url = message.ping_request->url;
      out = Question{parser.take(), url.substr(url.find('/', 8))};
    }
    return out;
  }
  int answer(const Machine& m, const Question& to, const http::Response& with) {
    Buffer bytes;
    http::write_response(with, bytes);
    return send(m, to.path, std::string(as_text(bytes))).response.status;
  }

  void hang_up(Machine& m) {
    coordinator->stream_closed(*m.stream, now);
    m.stream.reset();
    pump();
  }

  MachineAnswer send(const Machine& m, const std::string& path, const std::string& body) {
    Coordinator::Effects effects;
    auto answer = coordinator->on_machine(
        http_request("POST", path, body), m.machine, mapper::StreamId{++last_stream}, now, wall,
        effects);
    deliver(effects);
    pump();
    return answer;
  }

  // A machine that has joined and reads its map.
  Machine& joined(const std::string& host_name) {
    Machine& m = machine(host_name);
    const auto answer = send_register(m, register_request(m, auth_key()));
    EXPECT_EQ(answer.error, "");
    EXPECT_EQ(poll(m), 200);
    return m;
  }

  std::string auth_key(Json create = {{"reusable", true}}) {
    const Json key = api(
        "POST", "/api/v2/tailnet/-/keys", {{"capabilities", {{"devices", {{"create", create}}}}}});
    return key.at("key").get<std::string>();
  }

  // The API over the administrator's socket unless a token is set.
  Json api(const std::string& method, const std::string& target, const Json& body = {}) {
    return api_text(method, target, body.is_null() ? "" : body.dump());
  }
  Json api_text(const std::string& method, const std::string& target, const std::string& body) {
    http::Request request = http_request(method, target, body);
    Entrance entrance{true, "uid 0"};
    if (!authorization.empty()) {
      entrance.admin_socket = false;
      if (authorization != "none") request.headers.set("Authorization", authorization);
    }
    reply = coordinator->on_api(request, entrance, wall);
    pump();
    deliver_mails();
    EXPECT_EQ(reply.headers.get("Content-Type"), "application/json");
    Json parsed = Json::parse(as_text(reply.body), nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << as_text(reply.body);
    return parsed;
  }

  // A form of a stranger who waits while documents are fetched, which `elsewhere` hands out.
  using Elsewhere = std::function<federation::Fetched(const federation::Fetch&)>;
  Json form(const std::string& target, const std::string& body, const Elsewhere& elsewhere) {
    Coordinator::Effects effects;
    const mapper::StreamId fresh{++last_stream};
    const Entrance entrance{false, "", "192.0.2." + std::to_string(last_stream)};
    auto ready = coordinator->on_api(
        http_request("POST", target, body), entrance, fresh, /*takes_feed=*/false, now, wall,
        effects);
    deliver(effects);
    pump();
    while (!documents.empty()) {
      const federation::Fetch asked = documents.front();
      documents.erase(documents.begin());
      (void)coordinator->take_document(asked.issuer, elsewhere(asked), wall);
      pump();
    }
    reply = ready.response ? std::move(*ready.response) : late_replies[fresh];
    return Json::parse(as_text(reply.body), nullptr, false);
  }

  // The mail server: takes everything that has been sent since, or says that.
  void deliver_mails() {
    while (!sent.empty()) {
      const mail::Outgoing one = std::exchange(sent, {}).front();
      mails.push_back(one);
      Coordinator::Effects effects;
      coordinator->take_mail_result(one.id, mail_server, wall, effects);
      deliver(effects);
      pump();
    }
  }

  const nodes::Node& node(const Machine& m) {
    const nodes::Node* found = coordinator->registry().find(m.key);
    EXPECT_NE(found, nullptr);
    return *found;
  }
  const control::Node* peer(const Machine& viewer, const Machine& of) {
    for (const auto& [id, peer] : viewer.state.netmap.peers) {
      if (peer.key == of.key) return &peer;
    }
    return nullptr;
  }
  std::string device(const Machine& m) { return "/api/v2/device/" + node(m).record.stable_id; }

  static http::Request http_request(
      const std::string& method, const std::string& target, const std::string& body) {
    http::Request request;
    request.method = method;
    request.target = target;
    append(request.body, as_bytes(body));
    return request;
  }

  void deliver(const Coordinator::Effects& effects) {
    for (const auto& frame : effects.maps.frames) {
      order.push_back(frame.to);
      for (Machine* m : machines) {
        if (m->stream != frame.to) continue;
        m->decoder->feed(*frame.bytes);
        auto json = m->decoder->next();
        ASSERT_TRUE(json && *json);
        auto message = control::decode<control::MapResponse>(**json);
        ASSERT_TRUE(message) << **json;
        m->received.push_back(*message);
        const auto folded = netmap::fold(m->state, std::move(*message), wall);
        EXPECT_NE(folded.outcome, netmap::Outcome::MissingNode);
      }
    }
    for (const mapper::StreamId id : effects.maps.ended) {
      for (Machine* m : machines) {
        if (m->stream == id) m->ended = true;
      }
    }
    for (const auto& answer : effects.answers) {
      late_replies[answer.to] = answer.response;
      late_bodies[answer.to] = as_text(answer.response.body);
      // Those to other questions leave all of its fields as they are.
      auto decoded = control::decode<control::RegisterResponse>(late_bodies[answer.to]);
      ASSERT_TRUE(decoded);
      late_answers.insert_or_assign(answer.to, *decoded);
    }
    for (const auto& news : effects.feeds.texts) feed_texts[news.to] += news.text;
    for (const mapper::StreamId feed : effects.feeds.ended) feeds_ended.insert(feed);
    for (const NodePublicKey& key : effects.revoked) revoked.push_back(key);
    fetches.insert(fetches.end(), effects.fetches.begin(), effects.fetches.end());
    posts.insert(posts.end(), effects.posts.begin(), effects.posts.end());
    documents.insert(documents.end(), effects.documents.begin(), effects.documents.end());
    sent.insert(sent.end(), effects.mails.begin(), effects.mails.end());
    for (const std::string& line : effects.trouble) ADD_FAILURE() << line;
  }

  // Of the first message that nobody has answered.
  void answer_post(const delivery::Outcome& outcome) {
    ASSERT_FALSE(posts.empty());
    const delivery::Sender from = posts.front().from;
    posts.erase(posts.begin());
    EXPECT_TRUE(coordinator->take_post_result(from, outcome, wall));
    pump();
  }

  test::TempDir dir;
  test::SeededRng rng;
  TimePoint now{std::chrono::hours(1)};
  WallTime wall = *parse_rfc3339("2026-02-01T09:00:00Z");
  std::unique_ptr<store::Store> storage;
  std::unique_ptr<Coordinator> coordinator;
  std::vector<std::unique_ptr<Machine>> owned;
  std::vector<Machine*> machines;
  std::vector<mapper::StreamId> order;
  std::vector<NodePublicKey> revoked;
  std::vector<std::string> fetches;  // of relay maps
  std::vector<delivery::Post> posts;  // nobody has answered them yet
  std::optional<mail::Mailbox> mail_from;  // set before start(): mail is configured
  mail::Attempt mail_server = std::string("250 taken");
  std::vector<mail::Outgoing> sent;   // the mail server has not answered yet
  std::vector<mail::Outgoing> mails;  // that it was given
  std::map<mapper::StreamId, control::RegisterResponse> late_answers;  // to requests that waited
  std::map<mapper::StreamId, std::string> late_bodies;                 // the same, as they were sent
  std::map<mapper::StreamId, http::Response> late_replies;             // and in full
  std::vector<federation::Fetch> documents;  // of issuers; nobody has fetched them yet
  std::map<mapper::StreamId, std::string> feed_texts;
  std::set<mapper::StreamId> feeds_ended;
  std::uint64_t last_stream = 0;
  std::string authorization;
  http::Response reply;  // of the last api() call
  Buffer last_body;
};

}  // namespace aya::serve
