#include "daemon/dns_net/question_link.h"

#include <algorithm>

#include "daemon/dns/message_stream.h"
#include "daemon/dns/service.h"

namespace aya::dns_net {

// Shared with a reply that is still to come.
class QuestionLink::Connection final : public io::ByteStream::Handler {
 public:
  Connection(QuestionLink& link, std::uint64_t number, std::unique_ptr<io::ByteStream> stream)
      : link_(&link),
        number_(number),
        stream_(std::move(stream)),
        idle_(link.loop_, [this] { link_->drop(number_); }) {}

  void begin(const std::shared_ptr<Connection>& self) {
    self_ = self;
    idle_.arm_in(kIdleFor);
    stream_->start(*this);
  }

  void end() {
    link_ = nullptr;
    idle_.disarm();
    stream_.reset();
  }

 private:
  void on_bytes(Bytes bytes) override {
    const auto keep = self_.lock();
    stream_in_.add(bytes);
    take_questions();
  }

  void on_closed(const io::IoError&) override { link_->drop(number_); }

  void take_questions() {
    while (link_ != nullptr && outstanding_ < kMaxOutstanding) {
      const auto query = stream_in_.take();
      if (!query) break;
      ++outstanding_;
      ++link_->counters_.questions;
      link_->on_question_(*query, [self = self_](Bytes response) {
        if (const auto connection = self.lock()) connection->answer(response);
      });
    }
    if (link_ == nullptr) return;
    const bool full = outstanding_ == kMaxOutstanding;
    if (full != paused_) full ? stream_->pause() : stream_->start(*this);
    paused_ = full;
    if (outstanding_ == 0) {
      idle_.arm_in(kIdleFor);
    } else {
      idle_.disarm();
    }
  }

  void answer(Bytes response) {
    if (link_ == nullptr) return;
    --outstanding_;
    out_.clear();
    if (!dns::write_stream_message(response, out_)) return link_->drop(number_);
    stream_->write(out_);
    take_questions();
  }

  QuestionLink* link_;  // nullptr: over
  std::uint64_t number_;
  std::unique_ptr<io::ByteStream> stream_;
  std::weak_ptr<Connection> self_;
  dns::MessageStream stream_in_;
  std::size_t outstanding_ = 0;
  bool paused_ = false;
  Buffer out_;
  io::Timer idle_;
};

QuestionLink::QuestionLink(io::Loop& loop, Logger& log, OnQuestion on_question)
    : loop_(loop), log_(log), on_question_(std::move(on_question)) {}

QuestionLink::~QuestionLink() {
  for (const auto& [number, connection] : connections_) connection->end();
}

void QuestionLink::listen_on(const std::vector<IpAddress>& own) {
  std::erase_if(listeners_, [&](const auto& listener) {
    return std::ranges::find(own, listener.first) == own.end();
  });
  for (const IpAddress& address : own) {
    if (listeners_.contains(address)) continue;
    auto listener = io::TcpListener::listen(
        loop_, {address, 0}, [this](io::Connected connected) { accept(std::move(connected)); });
    if (!listener) {
      log_.debug("no DNS by TCP", {{"at", address.to_text()}, {"why", listener.error().detail}});
      continue;
    }
    listeners_.emplace(address, *std::move(listener));
  }
}

std::vector<Endpoint> QuestionLink::listeners() const {
  std::vector<Endpoint> out;
  for (const auto& [address, listener] : listeners_) out.push_back(listener->local());
  return out;
}

void QuestionLink::accept(io::Connected connected) {
  if (!dns::Service::is_service_address(connected.remote.address)) {
    ++counters_.strangers;
    return;  // closes it
  }
  if (connections_.size() >= kMaxConnections) {
    ++counters_.overload;
    return;
  }
  ++counters_.accepted;
  const std::uint64_t number = ++last_connection_;
  const auto connection = std::make_shared<Connection>(*this, number, std::move(connected.stream));
  connections_.emplace(number, connection);
  connection->begin(connection);
}

void QuestionLink::drop(std::uint64_t number) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  const auto keep = found->second;  // it may be what calls
  connections_.erase(found);
  keep->end();
}

}  // namespace aya::dns_net
