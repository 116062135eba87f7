#include "coord-server/app/noise_link.h"

#include <algorithm>

#include "proto/control/capability_version.h"
#include "proto/control/early_payload.h"

namespace aya::coord {
namespace {

// A long poll whose queue is longer than this is not given more until it is half as long.
constexpr std::size_t kPollQueue = 256 * 1024;

http::H2Options h2_options() {
  http::H2Options options = http::H2Options::server();
  options.queue_limit = kPollQueue;
  return options;
}

}  // namespace

NoiseLink::NoiseLink(
    std::unique_ptr<io::ByteStream> stream, const noise::ControlServerSession& session,
    Buffer switching, Rng& rng, Desk& core, Done done)
    : stream_(std::move(stream)),
      machine_(session.machine),
      opener_(session.result.keys.receive),
      sealer_(session.result.keys.send),
      h2_(http::H2Session::Role::Server, h2_options()),
      core_(core),
      done_(std::move(done)) {
  // One write for all of it, which is one packet for most (control 2.3).
  Buffer out = std::move(switching);
  append(out, session.response);
  Buffer plain;
  if (session.version >= control::since::kEarlyPayload) {
    control::append_early_payload({ChallengePrivateKey::generate(rng).public_key()}, plain);
  }
  h2_.take_output(plain);
  exhausted_ = !sealer_.seal(plain, out);
  stream_->write(out);
}

NoiseLink::~NoiseLink() {
  for (const Poll& poll : polls_) core_.stream_closed(poll.map);
}

void NoiseLink::begin(Bytes leftover) {
  stream_->start(*this);
  if (!leftover.empty()) on_bytes(leftover);
}

void NoiseLink::on_bytes(Bytes bytes) {
  Buffer plain;
  const bool opened = opener_.feed(bytes, plain).has_value();
  const bool understood = h2_.receive(plain).has_value();
  pump();
  if (!opened || !understood || h2_.closed() || exhausted_) done_(*this);
}

void NoiseLink::on_closed(const io::IoError&) { done_(*this); }

void NoiseLink::on_drained() { pump(); }

void NoiseLink::on_map_frame(mapper::StreamId map, Bytes frame) {
  Poll* poll = find(map);
  if (poll == nullptr) return;
  if (!h2_.write(poll->stream, frame)) {
    // It was told to be blocked before this frame was made, and now one is missing.
    h2_.reset(poll->stream);
    forget(poll->stream);
    return pump();
  }
  pump();
  poll = find(map);
  if (poll == nullptr || poll->blocked || h2_.queued(poll->stream) < kPollQueue) return;
  poll->blocked = true;
  core_.stream_blocked(map, true);
}

void NoiseLink::on_map_end(mapper::StreamId map) {
  const Poll* poll = find(map);
  if (poll == nullptr) return;
  h2_.finish(poll->stream);
  std::erase_if(polls_, [&](const Poll& each) { return each.map == map; });
  pump();
}

void NoiseLink::on_answer(mapper::StreamId waiting, const http::Response& response) {
  const Poll* poll = find(waiting);
  if (poll == nullptr) return;
  h2_.respond(poll->stream, response);
  std::erase_if(polls_, [&](const Poll& each) { return each.map == waiting; });
  pump();
}

// Until neither side of the session has anything to say.
void NoiseLink::pump() {
  do {
    handle_events();
  } while (send_waiting());
  handle_events();
  unblock();
}

void NoiseLink::handle_events() {
  for (auto events = h2_.take_events(); !events.empty(); events = h2_.take_events()) {
    for (const http::H2Event& event : events) {
      if (const auto* arrived = std::get_if<http::H2RequestArrived>(&event)) {
        answer(arrived->stream, arrived->request);
      } else if (const auto* closed = std::get_if<http::H2StreamClosed>(&event)) {
        forget(closed->stream);
      }
    }
  }
}

void NoiseLink::answer(http::H2Stream stream, const http::Request& request) {
  const auto answered = core_.ask(request, machine_, *this);
  if (!answered.stream) return h2_.respond(stream, answered.response);
  if (!answered.waiting) {
    h2_.start_response(stream, answered.response.status, answered.response.headers);
  }
  polls_.push_back({*answered.stream, stream});
}

void NoiseLink::forget(http::H2Stream stream) {
  const auto gone = std::ranges::find(polls_, stream, &Poll::stream);
  if (gone == polls_.end()) return;
  core_.stream_closed(gone->map);
  polls_.erase(gone);
}

bool NoiseLink::send_waiting() {
  const std::size_t queued = stream_->queued();
  if (queued > io::ByteStream::kHighWater || exhausted_) return false;  // on_drained() goes on
  Buffer plain;
  h2_.take_output(plain, io::ByteStream::kHighWater + 1 - queued);
  if (plain.empty()) return false;
  Buffer records;
  exhausted_ = !sealer_.seal(plain, records);
  stream_->write(records);
  return true;
}

void NoiseLink::unblock() {
  for (Poll& poll : polls_) {
    if (!poll.blocked || h2_.queued(poll.stream) > kPollQueue / 2) continue;
    poll.blocked = false;
    core_.stream_blocked(poll.map, false);
  }
}

NoiseLink::Poll* NoiseLink::find(mapper::StreamId map) {
  const auto found = std::ranges::find(polls_, map, &Poll::map);
  return found == polls_.end() ? nullptr : &*found;
}

}  // namespace aya::coord
