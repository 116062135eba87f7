// A coordination server in memory that works as far as a node can see: the key, the upgrade, Noise,
// HTTP/2, registrations, polls and lite updates. Tests turn its knobs and read what it was asked.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coord/coord.h"

namespace aya::coord {

class FakeCoordinator {
 public:
  explicit FakeCoordinator(Rng& rng);  // rng outlives this

  // --- how it behaves
  MachinePrivateKey key;
  int key_status = 200;
  std::string key_body;  // empty: the real one
  int upgrade_status = 101;
  std::optional<std::string> refusal;  // said in place of the handshake's answer
  bool early_payload = true;
  bool reads = true;  // false: bytes vanish, nothing is ever said
  // nullopt: the answer waits for answer_waiting().
  std::function<std::optional<http::Response>(const control::RegisterRequest&)> on_register;
  int map_status = 200;
  bool maps = true;         // false: polls are taken and hear nothing
  int update_status = 200;  // 0: no answer
  std::optional<http::Response> other_answer = http::Response{};  // to others; nullopt: none
  control::Node self;       // as the first map of a poll tells it; the key is the asker's

  // --- what it was asked, in order
  std::vector<std::string> asked;  // "GET /key", "POST /ts2021", "POST /machine/map", ...
  std::vector<control::RegisterRequest> registrations;
  std::vector<control::MapRequest> polls, updates;
  std::vector<http::Request> others;
  MachinePublicKey machine;  // who spoke last

  // --- what it does by itself
  void say(const control::MapResponse& message);  // on every poll
  void say_bytes(Bytes body);                     // the same, not framed
  void keepalive();
  void end_polls();
  void answer_waiting(const control::RegisterResponse& answer);
  void go_away();  // takes no more streams
  std::size_t open_polls() const;

  static control::RegisterResponse welcome();  // registered as alice
  static http::Response json(const control::RegisterResponse& answer);

  // --- its connections
  void accept(LinkId link);
  void receive(LinkId link, Bytes bytes);
  void hang_up(LinkId link) { connections_.erase(link); }
  Buffer take_output(LinkId link);
  std::vector<LinkId> links() const;
  bool ended(LinkId link) const { return connections_.at(link).ended; }  // by the server

 private:
  struct Connection {
    http::RequestParser parser;
    std::optional<control::RecordSealer> seal;
    std::optional<control::RecordOpener> open;
    std::optional<http::H2Session> h2;
    std::vector<http::H2Stream> polls, waiting;
    control::MapFrameEncoder frames;
    Buffer output;
    bool ended = false;
  };

  void on_http1(Connection& connection, const http::Request& request);
  void shake_hands(Connection& connection, const http::Request& request);
  void on_request(Connection& connection, http::H2Stream stream, http::Request request);
  void on_map(Connection& connection, http::H2Stream stream, const control::MapRequest& request);
  void flush(Connection& connection);

  Rng& rng_;
  std::map<LinkId, Connection> connections_;
};

}  // namespace aya::coord
