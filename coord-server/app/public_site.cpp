#include "coord-server/app/public_site.h"

#include <algorithm>

#include "coord-server/serve/coordinator.h"
#include "proto/base/base64.h"
#include "proto/http/http1_writer.h"
#include "proto/http/upgrade.h"

namespace aya::coord {
namespace {

constexpr std::string_view kControlProtocol = "tailscale-control-protocol";

FrontDoor::Handled refuse(io::HttpConnection& connection, int status, std::string_view why) {
  connection.respond(http::Response::text(status, why));
  return FrontDoor::Handled::Answered;
}

http::Response to_http(const relay_server::RelayAnswer& answer) {
  http::Response response;
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.headers.add(name, value);
  append(response.body, as_bytes(answer.body));
  return response;
}

}  // namespace

PublicSite::PublicSite(const Parts& parts, serve::PublicFacts facts)
    : parts_(parts), facts_(std::move(facts)), errands_(parts.loop) {}

PublicSite::~PublicSite() = default;

FrontDoor::Handled PublicSite::on_request(
    io::HttpConnection& connection, http::Request request, const Endpoint& remote) {
  const std::string_view path = request.path();
  if (path == "/ts2021") return to_control(connection, request);
  if (path == "/derp") return to_relay(connection, request, remote);
  if (serve::Coordinator::owns_page(path)) return to_pages(connection, request, remote);
  if (api::AdminRoutes::owns(path)) return to_api(connection, request, remote);
  connection.respond(answer(request, remote));
  return FrontDoor::Handled::Answered;
}

// Control 2.3: the refusals in their order.
FrontDoor::Handled PublicSite::to_control(
    io::HttpConnection& connection, const http::Request& request) {
  if (request.method != "POST") return refuse(connection, 405, "use POST\n");
  const std::string_view wanted = http::requested_upgrade(request);
  if (wanted.empty()) {
    return refuse(
        connection, 400,
        "no upgrade requested; a proxy in front of this server must pass Upgrade and Connection\n");
  }
  if (!http::equal_ignoring_case(wanted, kControlProtocol)) {
    return refuse(connection, 400, "unknown protocol\n");
  }
  const auto initiation = parse_base64(request.headers.get("X-Tailscale-Handshake"));
  if (!initiation || initiation->empty()) {
    return refuse(connection, 400, "X-Tailscale-Handshake is missing or not base64\n");
  }
  auto session = noise::answer_initiation(parts_.noise_key, *initiation, parts_.rng);
  Buffer switching;
  http::write_response(http::switching_to(kControlProtocol), switching);
  if (!session) {
    if (session.error().reply.empty()) return refuse(connection, 400, "unreadable handshake\n");
    append(switching, session.error().reply);
    connection.upgrade().stream->write(switching);
    return FrontDoor::Handled::Upgraded;
  }
  auto upgraded = connection.upgrade();
  auto link = std::make_unique<NoiseLink>(
      std::move(upgraded.stream), *session, std::move(switching), parts_.rng, parts_.core,
      [this](NoiseLink& over) { machines_.erase(&over); });
  NoiseLink& begun = *link;
  machines_.emplace(&begun, std::move(link));
  begun.begin(upgraded.leftover);
  return FrontDoor::Handled::Upgraded;
}

FrontDoor::Handled PublicSite::to_relay(
    io::HttpConnection& connection, const http::Request& request, const Endpoint& remote) {
  relay_server::RelayRequest asked;
  asked.method = request.method;
  asked.path = request.path();
  asked.upgrade = request.headers.get("Upgrade");
  asked.websocket_protocol = request.headers.get("Sec-WebSocket-Protocol");
  asked.fast_start = request.headers.get("Derp-Fast-Start");
  asked.ideal_node = request.headers.get("Ideal-Node");
  const auto decision = relay_server::decide_upgrade(asked, parts_.relay.public_key());
  if (!decision.derp) {
    connection.respond(to_http(decision.refusal));
    return FrontDoor::Handled::Answered;
  }
  auto upgraded = connection.upgrade();
  parts_.relay.adopt(std::move(upgraded.stream), upgraded.leftover, remote, *decision.derp);
  return FrontDoor::Handled::Upgraded;
}

FrontDoor::Handled PublicSite::to_pages(
    io::HttpConnection& connection, const http::Request& request, const Endpoint& remote) {
  auto answer = parts_.core.ask_page(request, remote.address);
  if (!answer.errand) {
    connection.respond(answer.page);
    return FrontDoor::Handled::Answered;
  }
  const std::uint64_t number = ++last_errand_;
  waiting_.insert_or_assign(&connection, number);
  run(std::move(answer.errand), number);
  return FrontDoor::Handled::Later;
}

// What was begun is done, whether or not the browser is still there to see it.
void PublicSite::run(std::unique_ptr<pages::Errand> errand, std::uint64_t number) {
  std::shared_ptr<pages::Errand> kept = std::move(errand);  // by a callback that must be copyable
  errands_.run(kept->work, [this, kept, number](const pages::Done& done) {
    auto answer = parts_.core.go_on(*kept, done);
    if (answer.errand) return run(std::move(answer.errand), number);
    respond_to(number, answer.page);
  });
}

void PublicSite::respond_to(std::uint64_t number, const http::Response& response) {
  const auto waiting =
      std::ranges::find(waiting_, number, [](const auto& entry) { return entry.second; });
  if (waiting == waiting_.end()) return;
  io::HttpConnection& connection = *waiting->first;
  waiting_.erase(waiting);
  connection.respond(response);
}

FrontDoor::Handled PublicSite::to_api(
    io::HttpConnection& connection, const http::Request& request, const Endpoint& remote) {
  const std::uint64_t number = ++last_errand_;
  const auto answer = parts_.core.ask_api(
      request, {false, "", remote.address.to_text()},
      [this, number](const http::Response& response) { respond_to(number, response); }, this);
  if (answer.feed) {
    connection.start_stream(answer.response->status, answer.response->headers);
    feeds_.insert_or_assign(&connection, *answer.feed);
    return FrontDoor::Handled::Streaming;
  }
  if (answer.response) {
    connection.respond(*answer.response);
    return FrontDoor::Handled::Answered;
  }
  waiting_.insert_or_assign(&connection, number);
  return FrontDoor::Handled::Later;
}

void PublicSite::on_gone(io::HttpConnection& connection) {
  waiting_.erase(&connection);
  if (const auto feed = feeds_.extract(&connection)) parts_.core.feed_closed(feed.mapped());
}

void PublicSite::on_feed_text(mapper::StreamId feed, std::string_view text) {
  const auto reader =
      std::ranges::find(feeds_, feed, [](const auto& entry) { return entry.second; });
  if (reader == feeds_.end()) return;
  reader->first->write(as_bytes(text));
  if (reader->first->queued() <= kSlowFeed) return;
  parts_.core.feed_closed(feed);
  on_feed_end(feed);
}

void PublicSite::on_feed_end(mapper::StreamId feed) {
  const auto reader =
      std::ranges::find(feeds_, feed, [](const auto& entry) { return entry.second; });
  if (reader == feeds_.end()) return;
  io::HttpConnection& connection = *reader->first;
  feeds_.erase(reader);
  connection.finish();
}

http::Response PublicSite::answer(const http::Request& request, const Endpoint& remote) {
  if (request.path() == "/readyz") return readiness();
  if (const auto asked = serve::admission_question(request)) {
    return serve::admission_answer(parts_.relay.admits(asked->node, asked->source));
  }
  if (auto known = serve::answer_public(request, remote.address, facts_)) return std::move(*known);
  return http::Response::text(404, "not found\n");
}

// More than usual costs memory: only for whom the server knows.
std::size_t PublicSite::body_limit(
    const http::Request& head, std::size_t usual, const Endpoint& remote) {
  if (!api::AdminRoutes::owns(head.path())) return usual;
  return parts_.core.api_body_limit(head, {false, "", remote.address.to_text()});
}

http::Response PublicSite::refusal(const http::Request& head, http::HttpError error) {
  const std::string why(http::to_text(error));
  if (!api::AdminRoutes::owns(head.path())) {
    return http::Response::text(http::to_status(error), why + "\n");
  }
  return api::ApiError{http::to_status(error), why}.to_response();
}

http::Response PublicSite::readiness() {
  const TimePoint now = parts_.loop.now();
  if (!readiness_until_ || *readiness_until_ <= now) {
    readiness_until_ = now + kReadinessLasts;
    not_ready_.reset();
    if (auto written = parts_.storage.probe_write(); !written) not_ready_ = written.error();
  }
  if (!not_ready_) return http::Response::json(200, R"({"status":"ok"})");
  return http::Response::json(503, R"({"status":"cannot write to the database"})");
}

}  // namespace aya::coord
