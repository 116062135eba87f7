#include "daemon/coord/coord_session.h"

#include "proto/base/base64.h"
#include "proto/control/capability_version.h"
#include "proto/control/json_text.h"
#include "proto/http/http1_writer.h"
#include "proto/http/upgrade.h"

namespace aya::coord {
namespace {

constexpr std::string_view kUpgradeProtocol = "tailscale-control-protocol";
constexpr std::size_t kMaxKeyAnswer = 64 * 1024;
constexpr std::size_t kMaxErrorText = 1024;

http::Limits key_answer_limits() {
  http::Limits limits;
  limits.body = kMaxKeyAnswer;
  return limits;
}

}  // namespace

CoordSession::CoordSession(Options options, Rng& rng)
    : options_(std::move(options)),
      rng_(rng),
      state_(AskingKey{http::ResponseParser(key_answer_limits())}) {
  if (options_.server_key) {
    upgrade(*options_.server_key);
  } else {
    ask_for_key();
  }
}

void CoordSession::ask_for_key() {
  http::Request request;
  request.target = "/key?v=" + std::to_string(control::kOurCapabilityVersion);
  request.headers.add("Host", options_.authority);
  http::write_request(request, output_);
}

void CoordSession::upgrade(const MachinePublicKey& server) {
  Upgrading next;
  next.handshake = std::make_unique<noise::ControlClient>(
      options_.machine_key, server, std::uint16_t{control::kOurCapabilityVersion}, rng_);
  if (next.handshake->initiation().empty()) return fail("the server's key is no usable key", true);
  http::Request request =
      http::upgrade_request("POST", "/ts2021", options_.authority, kUpgradeProtocol);
  request.headers.set("X-Tailscale-Handshake", to_base64(next.handshake->initiation()));
  request.headers.set("Content-Length", "0");
  http::write_request(request, output_);
  state_ = std::move(next);
}

// ---- receiving

void CoordSession::receive(Bytes bytes) {
  if (std::holds_alternative<AskingKey>(state_)) {
    on_key_answer(bytes);
  } else if (std::holds_alternative<Upgrading>(state_)) {
    on_upgrade_answer(bytes);
  } else if (std::holds_alternative<Handshaking>(state_)) {
    on_handshake_bytes(bytes);
  } else if (std::holds_alternative<Open>(state_)) {
    on_records(bytes);
  }
}

void CoordSession::on_key_answer(Bytes bytes) {
  auto& parser = std::get<AskingKey>(state_).parser;
  if (const auto used = parser.feed(bytes); !used) {
    return fail("the server does not answer in HTTP: " + std::string(http::to_text(used.error())));
  }
  if (!parser.complete()) return;
  const http::Response answer = parser.take();
  if (answer.status != 200) {
    return fail(
        "the server has no key for us (status " + std::to_string(answer.status) +
        "); is this the address of a coordination server?");
  }
  const auto keys = control::decode<control::OverTlsKeys>(as_text(answer.body));
  if (!keys || keys->public_key.is_zero()) {
    return fail("the server's answer holds no key; is this the address of a coordination server?");
  }
  events_.push_back(KeyLearned{keys->public_key});
  upgrade(keys->public_key);
}

void CoordSession::on_upgrade_answer(Bytes bytes) {
  auto& upgrading = std::get<Upgrading>(state_);
  const auto used = upgrading.parser.feed(bytes);
  if (!used) {
    return fail("the server does not answer in HTTP: " + std::string(http::to_text(used.error())));
  }
  if (!upgrading.parser.complete()) return;
  const http::Response answer = upgrading.parser.take();
  if (!http::switched_to(answer, kUpgradeProtocol)) {
    return fail("the server refused the upgrade with status " + std::to_string(answer.status));
  }
  state_ = Handshaking{std::move(upgrading.handshake), {}};
  on_handshake_bytes(bytes.subspan(*used));
}

void CoordSession::on_handshake_bytes(Bytes bytes) {
  auto& handshaking = std::get<Handshaking>(state_);
  append(handshaking.received, bytes);
  auto outcome = handshaking.handshake->read_response(handshaking.received);
  if (std::holds_alternative<noise::ControlClient::NeedMore>(outcome)) return;
  if (const auto* refused = std::get_if<noise::ControlClient::Refused>(&outcome)) {
    return fail("the server refused the connection: " + refused->reason, true);
  }
  if (std::holds_alternative<ParseError>(outcome)) {
    return fail("the server does not hold the key it is known by", true);
  }
  auto& established = std::get<noise::ControlClient::Established>(outcome);
  const Buffer rest(
      handshaking.received.begin() + static_cast<std::ptrdiff_t>(established.consumed),
      handshaking.received.end());
  state_ = Open{
      control::RecordSealer(established.result.keys.send),
      control::RecordOpener(established.result.keys.receive),
      {},
      http::H2Session(http::H2Session::Role::Client)};
  events_.push_back(Established{});
  if (rest.empty()) {
    pump();
  } else {
    on_records(rest);
  }
}

void CoordSession::on_records(Bytes bytes) {
  auto& open = std::get<Open>(state_);
  Buffer plain;
  const auto opened = open.open.feed(bytes, plain);
  Buffer http2;
  if (!open.early.feed(plain, http2)) return fail("the server's early payload is malformed");
  if (!http2.empty()) {
    if (const auto received = open.h2.receive(http2); !received) {
      pump();
      return fail("HTTP/2 broke: " + received.error().detail);
    }
  }
  pump();
  if (!opened) fail("a record did not open");
}

// ---- HTTP/2

void CoordSession::pump() {
  for (;;) {
    auto* open = std::get_if<Open>(&state_);
    if (open == nullptr) return;
    auto events = open->h2.take_events();
    for (auto& event : events) {
      on_http2(std::move(event));
      if (failed()) return;
    }
    open = std::get_if<Open>(&state_);
    Buffer http2;
    open->h2.take_output(http2);
    if (!http2.empty() && !open->seal.seal(http2, output_)) {
      return fail("the connection's counter is used up");
    }
    if (events.empty() && http2.empty()) break;
  }
  if (std::get<Open>(state_).h2.closed()) fail("the server ended the connection");
}

void CoordSession::on_http2(http::H2Event event) {
  if (auto* started = std::get_if<http::H2ResponseStarted>(&event)) {
    const auto exchange = exchanges_.find(started->stream);
    if (exchange == exchanges_.end()) return;
    exchange->second.response = std::move(started->response);
    exchange->second.head_seen = true;
  } else if (const auto* body = std::get_if<http::H2BodyArrived>(&event)) {
    on_body(body->stream, body->bytes);
    std::get<Open>(state_).h2.consumed(body->stream, body->bytes.size());
  } else if (const auto* closed = std::get_if<http::H2StreamClosed>(&event)) {
    on_stream_end(closed->stream, closed->error);
  }
}

void CoordSession::on_body(Stream stream, const Buffer& bytes) {
  const auto found = exchanges_.find(stream);
  if (found == exchanges_.end()) return;
  Exchange& exchange = found->second;
  if (exchange.map && exchange.response.status == 200) {
    exchange.map->feed(bytes);
    read_map_frames(stream, exchange);
  } else if (exchange.response.body.size() + bytes.size() <= kMaxAnswer) {
    append(exchange.response.body, bytes);
  }
}

void CoordSession::read_map_frames(Stream stream, Exchange& exchange) {
  for (;;) {
    const auto json = exchange.map->next();
    if (json && !*json) return;
    if (json && options_.maps_as_text) {
      events_.push_back(MapTextArrived{stream, std::move(**json)});
      continue;
    }
    auto message = json ? control::decode<control::MapResponse>(**json)
                        : Result<control::MapResponse, ParseError>(json.error());
    if (!message) {
      const std::string why(to_text(message.error()));
      drop(stream);
      events_.push_back(MapEnded{stream, 0, "a map message cannot be read: " + why});
      return;
    }
    events_.push_back(MapArrived{stream, *std::move(message)});
  }
}

void CoordSession::on_stream_end(Stream stream, std::uint32_t error) {
  const auto found = exchanges_.find(stream);
  if (found == exchanges_.end()) return;
  Exchange exchange = std::move(found->second);
  exchanges_.erase(found);
  const bool whole = error == 0 && exchange.head_seen;
  if (exchange.map) {
    std::string detail(as_text(exchange.response.body).substr(0, kMaxErrorText));
    events_.push_back(MapEnded{stream, whole ? exchange.response.status : 0, std::move(detail)});
    return;
  }
  if (!whole) exchange.response.status = 0;
  events_.push_back(Answered{stream, std::move(exchange.response)});
}

// ---- requests

std::optional<Stream> CoordSession::start(const http::Request& request, Exchange exchange) {
  auto* open = std::get_if<Open>(&state_);
  if (open == nullptr) return std::nullopt;
  const auto stream = open->h2.request(request);
  if (!stream) return std::nullopt;
  exchanges_.emplace(*stream, std::move(exchange));
  pump();
  return stream;
}

std::optional<Stream> CoordSession::send(const http::Request& request) {
  return start(request, {});
}

namespace {

http::Request json_post(std::string_view path, std::string_view host, std::string_view json) {
  http::Request request;
  request.method = "POST";
  request.target = path;
  request.headers.add("Host", host);
  request.headers.add("Content-Type", "application/json");
  append(request.body, as_bytes(json));
  return request;
}

}  // namespace

std::optional<Stream> CoordSession::post_json(std::string_view path, std::string_view json) {
  return start(json_post(path, options_.authority, json), {});
}

std::optional<Stream> CoordSession::open_map(const control::MapRequest& request) {
  Exchange exchange;
  exchange.map.emplace(
      control::parse_compression(request.compress).value_or(control::Compression::None));
  return start(
      json_post("/machine/map", options_.authority, control::encode(request)), std::move(exchange));
}

void CoordSession::cancel(Stream stream) {
  drop(stream);
  pump();
}

void CoordSession::drop(Stream stream) {
  exchanges_.erase(stream);
  if (auto* open = std::get_if<Open>(&state_)) open->h2.reset(stream);
}

void CoordSession::ping() {
  if (auto* open = std::get_if<Open>(&state_)) {
    open->h2.ping();
    pump();
  }
}

std::uint64_t CoordSession::pongs() const {
  const auto* open = std::get_if<Open>(&state_);
  return open == nullptr ? 0 : open->h2.pongs();
}

// ---- ends

void CoordSession::on_closed(std::string_view why) {
  // A server that cannot open our handshake, as it has another key now, hangs up without a word.
  if (!failed()) fail(std::string(why), std::holds_alternative<Handshaking>(state_));
}

void CoordSession::fail(std::string reason, bool key_refused) {
  if (failed()) return;
  state_ = Failed{};
  for (auto& [stream, exchange] : std::exchange(exchanges_, {})) {
    if (exchange.map) {
      events_.push_back(MapEnded{stream, 0, reason});
    } else {
      http::Response broken;
      broken.status = 0;
      events_.push_back(Answered{stream, std::move(broken)});
    }
  }
  events_.push_back(SessionFailed{std::move(reason), key_refused});
}

void CoordSession::take_output(Buffer& out) {
  if (out.empty()) {
    out.swap(output_);
  } else {
    append(out, output_);
    output_.clear();
  }
}

std::vector<SessionEvent> CoordSession::take_events() { return std::exchange(events_, {}); }

}  // namespace aya::coord
