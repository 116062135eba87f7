#include "coord-server/app/coordinator_link.h"

#include <utility>

namespace aya::coord {

CoordinatorLink::CoordinatorLink(io::Loop& loop, serve::Coordinator& core, Logger& log, Host& host)
    : loop_(loop), core_(core), log_(log), host_(host), timer_(loop, [this] { settle(); }) {
  wake();
}

CoordinatorLink::Answer CoordinatorLink::ask(
    const http::Request& request, const MachinePublicKey& machine, MapReader& reader) {
  const mapper::StreamId fresh{++last_stream_};
  auto answer = core_.on_machine(request, machine, fresh, loop_.now(), loop_.wall_now(), effects_);
  wake();
  if (!answer.streaming && !answer.waiting) return {std::move(answer.response), std::nullopt};
  readers_.emplace(fresh, &reader);
  return {std::move(answer.response), fresh, answer.waiting};
}

CoordinatorLink::ApiAnswer CoordinatorLink::ask_api(
    const http::Request& request, const api::Entrance& entrance, Reply later,
    FeedReader* reader) {
  wake();
  core_.set_relay_clients(host_.relay_clients());
  const mapper::StreamId fresh{++last_stream_};
  const TimePoint began = std::chrono::steady_clock::now();  // the loop's time stands still
  auto answer = core_.on_api(
      request, entrance, fresh, reader != nullptr, loop_.now(), loop_.wall_now(), effects_);
  core_.note_api_time(std::chrono::steady_clock::now() - began);
  if (!answer.response) replies_.emplace(fresh, std::move(later));
  if (!answer.feed) return {std::move(answer.response), std::nullopt};
  feeds_.emplace(fresh, reader);
  return {std::move(answer.response), fresh};
}

void CoordinatorLink::feed_closed(mapper::StreamId feed) {
  if (feeds_.erase(feed) != 0) core_.feed_closed(feed);
}

std::size_t CoordinatorLink::api_body_limit(
    const http::Request& head, const api::Entrance& entrance) {
  return core_.api_body_limit(head, entrance, loop_.wall_now());
}

pages::PageAnswer CoordinatorLink::ask_page(const http::Request& request, const IpAddress& from) {
  wake();
  return core_.on_page(request, from, loop_.wall_now());
}

pages::PageAnswer CoordinatorLink::go_on(const pages::Errand& errand, const pages::Done& done) {
  wake();
  return errand.then(done, loop_.wall_now());
}

void CoordinatorLink::relays_fetched(const std::string& url, const relays::Fetched& got) {
  if (!got) log_.error("cannot fetch a map of relays", {{"url", url}, {"why", got.error().why}});
  if (auto taken = core_.take_relay_map(url, got, loop_.wall_now()); !taken) {
    log_.error("cannot keep a map of relays", {{"url", url}, {"why", taken.error().to_text()}});
  }
  wake();
}

void CoordinatorLink::posted(const delivery::Sender& from, const delivery::Outcome& outcome) {
  if (auto taken = core_.take_post_result(from, outcome, loop_.wall_now()); !taken) {
    log_.error("cannot note what another program was told", {{"why", taken.error().to_text()}});
  }
  wake();
}

void CoordinatorLink::document_fetched(
    const std::string& issuer, const federation::Fetched& got) {
  if (auto taken = core_.take_document(issuer, got, loop_.wall_now()); !taken) {
    log_.error("cannot have an issuer's keys", {{"issuer", issuer}, {"why", taken.error().why}});
  }
  wake();
}

void CoordinatorLink::mailed(mail::MailId id, const mail::Attempt& attempt) {
  using Fate = mail::Outbox::Outcome::Fate;
  const auto outcome = core_.take_mail_result(id, attempt, loop_.wall_now(), effects_);
  if (!attempt) {
    const bool again = outcome.fate == Fate::LaterAgain;
    log_.error(
        again ? "mail not sent; trying again" : "mail not sent; given up",
        {{"to", outcome.to}, {"why", attempt.error().why}});
  }
  wake();
}

void CoordinatorLink::stream_closed(mapper::StreamId stream) {
  if (readers_.erase(stream) == 0) return;
  core_.stream_closed(stream, loop_.now());
  wake();
}

void CoordinatorLink::stream_blocked(mapper::StreamId stream, bool blocked) {
  core_.stream_blocked(stream, blocked, loop_.now());
  wake();
}

void CoordinatorLink::settle() {
  core_.advance(loop_.now(), loop_.wall_now(), effects_);
  std::swap(effects_, leaving_);
  for (const mapper::MapStreams::Frame& frame : leaving_.maps.frames) {
    const auto reader = readers_.find(frame.to);
    if (reader != readers_.end()) reader->second->on_map_frame(frame.to, *frame.bytes);
  }
  for (const mapper::StreamId ended : leaving_.maps.ended) {
    const auto reader = readers_.extract(ended);
    if (reader) reader.mapped()->on_map_end(ended);
  }
  for (const auto& answer : leaving_.answers) {
    const auto reader = readers_.extract(answer.to);
    if (reader) reader.mapped()->on_answer(answer.to, answer.response);
    const auto reply = replies_.extract(answer.to);
    if (reply) reply.mapped()(answer.response);
  }
  for (const auto& news : leaving_.feeds.texts) {
    const auto reader = feeds_.find(news.to);
    if (reader != feeds_.end()) reader->second->on_feed_text(news.to, news.text);
  }
  for (const mapper::StreamId ended : leaving_.feeds.ended) {
    const auto reader = feeds_.extract(ended);
    if (reader) reader.mapped()->on_feed_end(ended);
  }
  for (const NodePublicKey& node : leaving_.revoked) host_.on_revoked(node);
  for (const std::string& url : leaving_.fetches) host_.fetch_relays(url);
  for (const delivery::Post& message : leaving_.posts) host_.post(message);
  for (const federation::Fetch& document : leaving_.documents) host_.fetch_document(document);
  for (const mail::Outgoing& mail : leaving_.mails) host_.send(mail);
  for (const std::string& trouble : leaving_.trouble) {
    log_.error("not everything could be saved; trying again", {{"why", trouble}});
  }
  leaving_.clear();
  // Carrying out may have brought more, which woke the timer: that deadline is the earlier one.
  const auto next = core_.next_deadline(loop_.now(), loop_.wall_now());
  timer_.arm(earlier(timer_.armed(), next));
}

}  // namespace aya::coord
