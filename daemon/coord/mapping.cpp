// Coord's map stream and lite updates, and what rides on them.

#include <algorithm>

#include "daemon/coord/c2n.h"
#include "daemon/coord/coord.h"
#include "daemon/netmap/expiry.h"
#include "proto/control/capability_version.h"
#include "proto/control/json_text.h"
#include "proto/http/http1_writer.h"

namespace aya::coord {

control::MapRequest Coord::map_request() const {
  control::MapRequest request;
  request.version = control::kOurCapabilityVersion;
  request.compress = "zstd";
  request.keep_alive = true;
  request.node_key = login_.identity().node_key.public_key();
  request.disco_key = host_.disco_key;
  request.hostinfo = host_.hostinfo;
  request.endpoints = host_.endpoints;
  request.endpoint_types = host_.endpoint_types;
  if (host_.forwarding_off) request.debug_flags.emplace_back(control::kForwardingOff);
  return request;
}

void Coord::open_poll(Moment now, Effects& out) {
  control::MapRequest request = map_request();
  request.stream = true;
  const auto stream = session()->open_map(request);
  if (!stream) return drop_connection("the connection takes no more requests", now, out);
  state_.begin_poll();
  poll_ = Poll{*stream, now.steady + kMapSilence};
}

void Coord::close_poll() {
  if (poll_ && session() != nullptr) session()->cancel(poll_->stream);
  poll_.reset();
  poll_at_.reset();
}

// Only the newest state is ever sent: what changes while one is under way goes into the next.
void Coord::send_update(Moment now) {
  control::MapRequest request = map_request();
  request.omit_peers = true;
  const auto stream = session()->post_json("/machine/map", control::encode(request));
  if (!stream) return;
  update_ = Update{{*stream, now.steady + kRequestTimeout}, host_};
}

void Coord::on_update_answer(const http::Response& response, Moment now, Effects&) {
  if (response.status == 200) {
    told_ = std::move(update_->sent);
    update_backoff_.reset();
  } else {
    update_at_ = now.steady + update_backoff_.next();
  }
  update_.reset();
}

void Coord::on_map(control::MapResponse message, Moment now, Effects& out) {
  poll_->deadline = now.steady + kMapSilence;
  netmap::FoldResult folded = netmap::fold(state_, std::move(message), now.wall);
  act_on(std::move(folded.events), out);
  switch (folded.outcome) {
    case netmap::Outcome::Keepalive:
      return;
    case netmap::Outcome::MissingNode:
      close_poll();
      out.problems.push_back("the server's first map does not say who we are");
      poll_at_ = now.steady + poll_backoff_.next();
      return;
    case netmap::Outcome::Folded:
      break;
  }
  if (!poll_->heard) {
    poll_->heard = true;
    poll_backoff_.reset();
    connect_backoff_.reset();
    out.phase_changed = true;
  }
  out.netmap.push_back(std::move(folded.delta));
  const auto expiry = netmap::next_expiry(state_, now.wall);
  expiry_at_.reset();
  if (expiry) expiry_at_ = now.steady + std::max<Duration>(*expiry - now.wall, Duration{0});
}

void Coord::on_map_ended(const MapEnded& end, Moment now, Effects& out) {
  if (session()->failed()) return;  // drop_connection() says why, once
  poll_.reset();
  poll_at_ = now.steady + poll_backoff_.next();
  if (end.status == 200) return;  // the server ended it, for instance to begin afresh
  std::string text = end.status == 0 ? end.detail
                                     : "the server refused the map with status " +
                                           std::to_string(end.status) + ": " + end.detail;
  out.problems.push_back(std::move(text));
  // It does not know this key. Registering says why: it lets us in again, or wants a person.
  if (end.status != 404) return;
  renewing_ = false;
  if (!login_.asking()) login_.begin(std::nullopt, false, false);
}

// ---- what rides on a message

void Coord::act_on(netmap::Events events, Effects& out) {
  if (events.ping) answer_server_ping(*events.ping, out);
  if (events.pop_browser_url) out.open_url = std::move(events.pop_browser_url);
  if (events.client_version) out.client_version = std::move(events.client_version);
}

namespace {

// Over Noise only the path counts: the server is the one at the other end.
std::string path_of(const std::string& url) {
  const auto parsed = http::Url::parse(url);
  return parsed ? parsed->target : std::string();
}

}  // namespace

void Coord::answer_server_ping(const control::PingRequest& ping, Effects& out) {
  if (ping.types == "c2n") {
    if (auto question = question_for_daemon(ping.payload)) {
      out.questions.push_back({ping.url, std::move(*question)});
    } else {
      post_c2n(ping.url, answer_c2n(ping.payload));
    }
  } else if (!ping.types.empty()) {
    out.peer_pings.push_back(ping);
  } else if (!ping.url_is_noise) {
    out.head_requests.push_back(ping.url);
  } else {
    http::Request head;
    head.method = "HEAD";
    head.target = path_of(ping.url);
    head.headers.add("Host", config_.server.authority());
    if (!head.target.empty() && session() != nullptr) session()->send(head);
  }
}

void Coord::post_c2n(const std::string& url, Buffer answer) {
  http::Request reply;
  reply.method = "POST";
  reply.target = path_of(url);
  reply.headers.add("Host", config_.server.authority());
  reply.body = std::move(answer);
  if (!reply.target.empty() && session() != nullptr) session()->send(reply);
}

void Coord::answer_question(const std::string& url, const http::Response& answer, Effects& out) {
  Buffer bytes;
  http::write_response(answer, bytes);
  post_c2n(url, std::move(bytes));
  flush(out);
}

void Coord::answer_ping(
    const control::PingRequest& request, const control::PingResponse& answer, Effects& out) {
  if (session() == nullptr) return;
  const std::string path = path_of(request.url);
  if (!path.empty()) session()->post_json(path, control::encode(answer));
  flush(out);
}

}  // namespace aya::coord
