#include "tests/daemon/coord/fake_coordinator.h"

#include <gtest/gtest.h>

#include "proto/base/base64.h"
#include "proto/control/json_text.h"
#include "proto/http/http1_writer.h"
#include "proto/http/upgrade.h"

namespace aya::coord {

FakeCoordinator::FakeCoordinator(Rng& rng) : key(MachinePrivateKey::generate(rng)), rng_(rng) {
  on_register = [](const control::RegisterRequest&) { return json(welcome()); };
  self.id = control::NodeId{1};
  self.stable_id = "n1";
  self.name = "alpha.mesh.test.";
  self.user = control::UserId{7};
  self.addresses = {*Prefix::parse("100.64.0.1/32")};
  self.machine_authorized = true;
}

control::RegisterResponse FakeCoordinator::welcome() {
  control::RegisterResponse answer;
  answer.user.id = control::UserId{7};
  answer.login.login_name = "alice";
  answer.machine_authorized = true;
  return answer;
}

http::Response FakeCoordinator::json(const control::RegisterResponse& answer) {
  return http::Response::json(200, control::encode(answer));
}

// ---- connections

void FakeCoordinator::accept(LinkId link) { connections_[link]; }

std::vector<LinkId> FakeCoordinator::links() const {
  std::vector<LinkId> out;
  for (const auto& [link, connection] : connections_) out.push_back(link);
  return out;
}

Buffer FakeCoordinator::take_output(LinkId link) {
  const auto found = connections_.find(link);
  if (found == connections_.end() || !reads) return {};
  flush(found->second);
  return std::exchange(found->second.output, {});
}

void FakeCoordinator::flush(Connection& connection) {
  if (!connection.h2) return;
  Buffer plain;
  connection.h2->take_output(plain);
  EXPECT_TRUE(connection.seal->seal(plain, connection.output));
}

void FakeCoordinator::receive(LinkId link, Bytes bytes) {
  const auto found = connections_.find(link);
  if (found == connections_.end() || !reads) return;
  Connection& connection = found->second;
  while (!connection.h2 && !bytes.empty()) {
    const auto used = connection.parser.feed(bytes);
    ASSERT_TRUE(used);
    bytes = bytes.subspan(*used);
    if (connection.parser.complete()) on_http1(connection, connection.parser.take());
  }
  if (!connection.h2) return;
  Buffer plain;
  ASSERT_TRUE(connection.open->feed(bytes, plain));
  ASSERT_TRUE(connection.h2->receive(plain));
  for (http::H2Event& event : connection.h2->take_events()) {
    if (auto* arrived = std::get_if<http::H2RequestArrived>(&event)) {
      on_request(connection, arrived->stream, std::move(arrived->request));
    } else if (const auto* closed = std::get_if<http::H2StreamClosed>(&event)) {
      std::erase(connection.polls, closed->stream);
      std::erase(connection.waiting, closed->stream);
    }
  }
}

// ---- before Noise

void FakeCoordinator::on_http1(Connection& connection, const http::Request& request) {
  asked.push_back(request.method + " " + std::string(request.path()));
  EXPECT_TRUE(request.headers.has("Host"));
  if (request.path() == "/key") {
    const std::string real =
        control::encode(control::OverTlsKeys{MachinePublicKey{}, key.public_key()});
    http::write_response(
        http::Response::json(key_status, key_body.empty() ? real : key_body), connection.output);
  } else if (upgrade_status != 101) {
    http::write_response(http::Response::text(upgrade_status, "no"), connection.output);
  } else {
    shake_hands(connection, request);
  }
}

void FakeCoordinator::shake_hands(Connection& connection, const http::Request& request) {
  EXPECT_EQ(http::requested_upgrade(request), "tailscale-control-protocol");
  http::write_response(http::switching_to("tailscale-control-protocol"), connection.output);
  if (refusal) return control::append_error_frame(*refusal, connection.output);
  const auto initiation = parse_base64(request.headers.get("X-Tailscale-Handshake"));
  ASSERT_TRUE(initiation);
  const auto session = noise::answer_initiation(key, *initiation, rng_);
  if (!session) {
    connection.ended = true;
    return append(connection.output, session.error().reply);
  }
  machine = session->machine;
  append(connection.output, session->response);
  connection.seal.emplace(session->result.keys.send);
  connection.open.emplace(session->result.keys.receive);
  connection.h2.emplace(http::H2Session::Role::Server);
  if (!early_payload) return;
  Buffer early;
  control::append_early_payload({ChallengePrivateKey::generate(rng_).public_key()}, early);
  EXPECT_TRUE(connection.seal->seal(early, connection.output));
}

// ---- inside

void FakeCoordinator::on_request(
    Connection& connection, http::H2Stream stream, http::Request request) {
  asked.push_back(request.method + " " + std::string(request.path()));
  if (request.path() == "/machine/register") {
    const auto wanted = control::decode<control::RegisterRequest>(as_text(request.body));
    ASSERT_TRUE(wanted);
    registrations.push_back(*wanted);
    if (const auto answer = on_register(*wanted)) {
      connection.h2->respond(stream, *answer);
    } else {
      connection.waiting.push_back(stream);
    }
  } else if (request.path() == "/machine/map") {
    const auto wanted = control::decode<control::MapRequest>(as_text(request.body));
    ASSERT_TRUE(wanted);
    on_map(connection, stream, *wanted);
  } else {
    others.push_back(std::move(request));
    if (other_answer) connection.h2->respond(stream, *other_answer);
  }
}

void FakeCoordinator::on_map(
    Connection& connection, http::H2Stream stream, const control::MapRequest& request) {
  using Kind = control::MapRequest::Kind;
  if (request.kind() == Kind::LiteUpdate) {
    updates.push_back(request);
    if (update_status != 0) connection.h2->respond(stream, http::Response::text(update_status, ""));
    return;
  }
  EXPECT_EQ(request.kind(), Kind::LongPoll);
  EXPECT_EQ(request.compress, "zstd");
  polls.push_back(request);
  if (map_status != 200) {
    return connection.h2->respond(stream, http::Response::text(map_status, "no such node"));
  }
  connection.h2->start_response(stream, 200, {});
  connection.polls.push_back(stream);
  if (!maps) return;
  control::MapResponse first;
  first.node = self;
  first.node->key = request.node_key;
  first.domain = "mesh.test";
  Buffer frame;
  connection.frames.append(control::encode(first), control::Compression::Zstd, frame);
  EXPECT_TRUE(connection.h2->write(stream, frame));
}

// ---- by itself

void FakeCoordinator::say(const control::MapResponse& message) {
  Buffer frame;
  control::MapFrameEncoder().append(control::encode(message), control::Compression::Zstd, frame);
  say_bytes(frame);
}

void FakeCoordinator::say_bytes(Bytes body) {
  for (auto& [link, connection] : connections_) {
    for (const auto stream : connection.polls) EXPECT_TRUE(connection.h2->write(stream, body));
  }
}

void FakeCoordinator::keepalive() {
  control::MapResponse message;
  message.keep_alive = true;
  say(message);
}

void FakeCoordinator::end_polls() {
  for (auto& [link, connection] : connections_) {
    for (const auto stream : std::exchange(connection.polls, {})) connection.h2->finish(stream);
  }
}

void FakeCoordinator::answer_waiting(const control::RegisterResponse& answer) {
  for (auto& [link, connection] : connections_) {
    for (const auto stream : std::exchange(connection.waiting, {})) {
      connection.h2->respond(stream, json(answer));
    }
  }
}

void FakeCoordinator::go_away() {
  for (auto& [link, connection] : connections_) {
    if (connection.h2) connection.h2->go_away();
  }
}

std::size_t FakeCoordinator::open_polls() const {
  std::size_t count = 0;
  for (const auto& [link, connection] : connections_) count += connection.polls.size();
  return count;
}

}  // namespace aya::coord
