#include "daemon/dns_net/doh_client_link.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "proto/http/h2_session.h"
#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace aya::dns_net {
namespace {

constexpr std::string_view kMessageType = "application/dns-message";
constexpr std::size_t kLongestMessage = 0xffff;
constexpr std::size_t kMaxStreams = 100;  // what servers usually allow at least

http::Request request_for(const http::Url& url, Bytes query) {
  http::Request out;
  out.method = "POST";
  out.target = url.target;
  out.headers.set("Host", url.authority());
  out.headers.set("Accept", kMessageType);
  out.headers.set("Content-Type", kMessageType);
  out.body.assign(query.begin(), query.end());
  return out;
}

Result<Buffer, std::string> message_in(http::Response&& response) {
  if (response.status != 200) return "HTTP status " + std::to_string(response.status);
  const std::string_view type = response.headers.get("Content-Type");
  if (!type.starts_with(kMessageType)) return "an answer of type '" + std::string(type) + "'";
  return std::move(response.body);
}

}  // namespace

//   dialling -> HTTP/1.1: idle <-> busy with one question
//            -> HTTP/2: any number of streams
// Shared with its own callbacks, which may end it.
class DohClientLink::Connection final : public io::ByteStream::Handler {
 public:
  Connection(DohClientLink& link, Number number)
      : link_(&link), number_(number), parser_(http::Limits{.body = kLongestMessage}) {}

  void begin(const std::shared_ptr<Connection>& self) {
    self_ = self;
    const Config& config = link_->config_;
    io::DialTarget target;
    target.host = config.url.host;
    target.port = config.url.port;
    target.addresses = config.addresses;
    target.tls = config.url.tls ? &link_->roots_ : nullptr;
    target.offer_http11 = target.offer_h2 = config.url.tls;
    target.socket = config.socket;
    target.timeout = kTimeout;
    dial_ = std::make_unique<io::Dial>(
        link_->loop_, std::move(target), [this](Result<io::Dialled, io::IoError> result) {
          const auto keep = self_.lock();
          dial_.reset();
          if (!result) return over(result.error().detail);
          on_dialled(*std::move(result));
        });
  }

  void end() {
    link_ = nullptr;
    dial_.reset();
    stream_.reset();
  }

  Number number() const { return number_; }
  bool is_dialling() const { return dial_ != nullptr; }
  bool is_new() const { return stream_ == nullptr; }  // was never connected
  bool has_room() const {
    if (link_ == nullptr || stream_ == nullptr || going_) return false;
    return h2_ ? streams_.size() < kMaxStreams : !busy_;
  }
  bool is_unused() const { return stream_ != nullptr && !busy_ && streams_.empty(); }
  TimePoint used_at() const { return used_at_; }

  // has_room() only. False: this connection takes nothing more.
  bool ask(Number question, Bytes query) {
    used_at_ = link_->loop_.now();
    const http::Request request = request_for(link_->config_.url, query);
    if (h2_) {
      const auto stream = h2_->request(request);
      if (!stream) {
        going_ = true;
        return false;
      }
      streams_[*stream].question = question;
      flush();
      return true;
    }
    busy_ = question;
    parser_.expect_answer_to(request.method);
    Buffer out;
    http::write_request(request, out);
    stream_->write(out);
    return true;
  }

  // Nobody waits for it any more.
  void forget(Number question) {
    if (busy_ == question) return over("no answer in time");
    for (auto stream = streams_.begin(); stream != streams_.end(); ++stream) {
      if (stream->second.question != question) continue;
      const auto id = stream->first;
      streams_.erase(stream);
      h2_->reset(id);
      return flush();
    }
  }

  std::vector<Number> questions() const {
    std::vector<Number> out;
    if (busy_) out.push_back(*busy_);
    for (const auto& [id, stream] : streams_) out.push_back(stream.question);
    return out;
  }

 private:
  struct Stream {
    Number question = 0;
    http::Response response;
  };

  void on_dialled(io::Dialled dialled) {
    stream_ = std::move(dialled.stream);
    used_at_ = link_->loop_.now();
    link_->speaks_h2_ = dialled.tls && dialled.tls->h2;
    if (link_->speaks_h2_) {
      h2_.emplace(
          http::H2Session::Role::Client,
          http::H2Options{.stream_window = 128 * 1024, .connection_window = 4 * 1024 * 1024});
    }
    stream_->start(*this);
    if (h2_) flush();
    if (link_ != nullptr) link_->pump();
  }

  void on_bytes(Bytes bytes) override {
    const auto keep = self_.lock();
    h2_ ? on_h2(bytes) : on_http1(bytes);
  }

  void on_closed(const io::IoError& why) override {
    const auto keep = self_.lock();
    over(why.detail);
  }

  void on_http1(Bytes bytes) {
    if (!busy_) return over("the server speaks unasked");
    const auto used = parser_.feed(bytes);
    if (!used) return over("the answer is not HTTP");
    if (!parser_.complete()) return;
    http::Response response = parser_.take();
    const bool stays = response.keep_alive && *used == bytes.size();
    going_ = !stays;  // what the answer leads to may be another question
    const Number question = *std::exchange(busy_, std::nullopt);
    used_at_ = link_->loop_.now();
    link_->finish(question, message_in(std::move(response)));
    if (link_ == nullptr) return;
    stays ? link_->pump() : over("the server closed the connection");
  }

  void on_h2(Bytes bytes) {
    if (const auto taken = h2_->receive(bytes); !taken) {
      flush();
      return over(taken.error().detail);
    }
    flush();
  }

  // Sends what the session has, and works off what happened, until both are done.
  void flush() {
    const auto keep = self_.lock();
    while (link_ != nullptr) {
      out_.clear();
      h2_->take_output(out_);
      if (!out_.empty()) stream_->write(out_);
      auto events = h2_->take_events();
      if (events.empty() && out_.empty()) break;
      for (auto& event : events) {
        if (link_ == nullptr) return;
        on_event(event);
      }
    }
    if (link_ != nullptr && h2_->closed()) over("the server closed the connection");
  }

  void on_event(http::H2Event& event) {
    if (auto* head = std::get_if<http::H2ResponseStarted>(&event)) {
      const auto stream = streams_.find(head->stream);
      if (stream != streams_.end()) stream->second.response = std::move(head->response);
    } else if (auto* body = std::get_if<http::H2BodyArrived>(&event)) {
      h2_->consumed(body->stream, body->bytes.size());
      const auto stream = streams_.find(body->stream);
      if (stream == streams_.end()) return;
      append(stream->second.response.body, body->bytes);
      if (stream->second.response.body.size() <= kLongestMessage) return;
      const Number question = stream->second.question;
      streams_.erase(stream);
      h2_->reset(body->stream);
      link_->finish(question, std::string("the answer is too long"));
    } else if (auto* closed = std::get_if<http::H2StreamClosed>(&event)) {
      const auto stream = streams_.find(closed->stream);
      if (stream == streams_.end()) return;
      Stream done = std::move(stream->second);
      streams_.erase(stream);
      used_at_ = link_->loop_.now();
      if (closed->error != 0) {
        link_->retry(done.question, "HTTP/2 error " + std::to_string(closed->error));
      } else {
        link_->finish(done.question, message_in(std::move(done.response)));
      }
    }
  }

  void over(const std::string& why) {
    if (link_ != nullptr) link_->on_connection_over(number_, why);
  }

  DohClientLink* link_;  // nullptr: over
  Number number_;
  std::weak_ptr<Connection> self_;
  std::unique_ptr<io::Dial> dial_;
  std::unique_ptr<io::ByteStream> stream_;
  http::ResponseParser parser_;
  std::optional<Number> busy_;
  std::optional<http::H2Session> h2_;
  std::map<http::H2Stream, Stream> streams_;
  bool going_ = false;  // takes no more questions
  TimePoint used_at_{};
  Buffer out_;
};

DohClientLink::DohClientLink(
    io::Loop& loop, Logger& log, tls::TlsClientContext& roots, Config config)
    : loop_(loop), log_(log), roots_(roots), config_(std::move(config)), timer_(loop, [this] {
        on_timer();
      }) {}

DohClientLink::~DohClientLink() {
  for (const auto& [number, connection] : connections_) connection->end();
}

void DohClientLink::ask(Buffer query, Done done) {
  const Number number = ++last_;
  const bool full = questions_.size() >= kMaxWaiting;
  // An overdue deadline fails it from the timer.
  const TimePoint deadline = full ? loop_.now() : loop_.now() + kTimeout;
  questions_.emplace(number, Question{std::move(query), std::move(done), deadline});
  if (!full) waiting_.push_back(number);
  pump();
}

void DohClientLink::pump() {
  for (auto at = connections_.begin(); at != connections_.end() && !waiting_.empty();) {
    const auto connection = at->second;  // asking may end it
    ++at;
    while (!waiting_.empty() && connection->has_room()) {
      const Number number = waiting_.front();
      waiting_.pop_front();  // should the connection end now, it is waiting again
      const auto question = questions_.find(number);
      if (question == questions_.end()) continue;
      if (!connection->ask(number, question->second.query)) waiting_.push_front(number);
    }
    at = connections_.upper_bound(connection->number());
  }
  const auto dialling = static_cast<std::size_t>(std::ranges::count_if(
      connections_, [](const auto& each) { return each.second->is_dialling(); }));
  // One is enough for HTTP/2, and to find out what the server speaks.
  const bool one_is_enough = config_.url.tls && (speaks_h2_ || connections_.size() == dialling);
  const std::size_t wanted =
      one_is_enough ? std::min<std::size_t>(waiting_.size(), 1) : waiting_.size();
  for (std::size_t i = dialling; i < wanted && connections_.size() < kMaxConnections; ++i) {
    const Number number = ++last_;
    const auto connection = std::make_shared<Connection>(*this, number);
    connections_.emplace(number, connection);
    connection->begin(connection);
  }
  arm();
}

void DohClientLink::on_connection_over(Number number, const std::string& why) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  const auto connection = found->second;
  connections_.erase(found);
  const bool never_worked = connection->is_new();
  const std::vector<Number> lost = connection->questions();
  connection->end();
  for (const Number question : lost) retry(question, why);
  // Nobody could be reached: those that wait for a connection have waited for this one.
  if (never_worked && connections_.empty()) {
    for (const Number question : std::exchange(waiting_, {})) finish(question, why);
  }
  pump();
}

void DohClientLink::retry(Number number, const std::string& why) {
  const auto question = questions_.find(number);
  if (question == questions_.end()) return;
  if (std::exchange(question->second.retried, true)) return finish(number, why);
  waiting_.push_back(number);
}

void DohClientLink::finish(Number number, Result<Buffer, std::string> response) {
  const auto question = questions_.find(number);
  if (question == questions_.end()) return;
  const Done done = std::move(question->second.done);
  questions_.erase(question);
  if (response) {
    last_problem_.clear();
  } else if (std::exchange(last_problem_, response.error()) != response.error()) {
    log_.info(
        "DNS over HTTPS fails", {{"server", config_.url.authority()}, {"why", response.error()}});
  }
  done(std::move(response));
}

void DohClientLink::on_timer() {
  const TimePoint now = loop_.now();
  std::vector<Number> late;
  for (const auto& [number, question] : questions_) {
    if (question.deadline <= now) late.push_back(number);
  }
  for (const Number number : late) {
    finish(number, std::string("no answer in time"));
    std::erase(waiting_, number);
    for (const auto& connection : std::vector(connections_.begin(), connections_.end())) {
      connection.second->forget(number);
    }
  }
  for (const auto& [number, connection] : std::vector(connections_.begin(), connections_.end())) {
    if (!connection->is_unused() || connection->used_at() + kIdleFor > now) continue;
    connections_.erase(number);
    connection->end();
  }
  pump();
}

void DohClientLink::arm() {
  std::optional<TimePoint> next;
  for (const auto& [number, question] : questions_) next = earlier(next, question.deadline);
  for (const auto& [number, connection] : connections_) {
    if (connection->is_unused()) next = earlier(next, connection->used_at() + kIdleFor);
  }
  timer_.arm(next);
}

}  // namespace aya::dns_net
