#include "daemon/dns/forwarder.h"

#include <algorithm>
#include <limits>

#include "proto/base/endian.h"

namespace aya::dns {
namespace {

bool is_good(Rcode rcode) {
  return rcode != Rcode::ServFail && rcode != Rcode::Refused && rcode != Rcode::NotImp &&
         rcode != Rcode::FormErr;
}

bool same_question(const Question& a, const Question& b) {
  return a.type == b.type && a.class_code == b.class_code && to_lower(a.name) == to_lower(b.name);
}

void set_id(Buffer& message, std::uint16_t id) { store_be<std::uint16_t>(message.data(), id); }

}  // namespace

void Forwarder::configure(ForwarderConfig config) {
  if (config == config_) return;
  config_ = std::move(config);
  shunned_until_.clear();  // another network, perhaps
}

void Forwarder::query(
    std::uint64_t asker, Bytes query, bool over_udp, TimePoint now, Effects& out, For whom) {
  auto parsed = parse_query(query);
  if (!parsed) return;
  ++counters_.queries;
  const Upstreams& servers = servers_for(to_lower(parsed->question.name), whom);
  if (servers.empty() || in_flight_.size() >= kMaxInFlight) {
    ++(servers.empty() ? counters_.failed : counters_.overload);
    out.to_askers.push_back({asker, error_response(query, *parsed, Rcode::ServFail)});
    return;
  }
  const auto at = in_flight_.emplace(fresh_id(), Transaction{}).first;
  Transaction& transaction = at->second;
  transaction.serial = ++last_serial_;
  by_serial_[transaction.serial] = at->first;
  transaction.asker = asker;
  transaction.query.assign(query.begin(), query.end());
  transaction.over_udp = over_udp;
  transaction.size_limit =
      over_udp ? udp_size_limit(query) : std::numeric_limits<std::uint16_t>::max();
  // No more than arrives here in one piece; those who want more get it by TCP.
  limit_udp_size(transaction.query, kLargestUdpAnswer);
  transaction.parsed = std::move(*parsed);
  transaction.attempts = plan(servers, now);
  transaction.began = now;
  transaction.give_up_at = now + kGiveUpAfter;
  ask_next(at, now, out);
}

std::vector<Forwarder::Attempt> Forwarder::plan(Upstreams servers, TimePoint now) const {
  std::stable_partition(servers.begin(), servers.end(), [&](const Upstream& server) {
    const auto shunned = shunned_until_.find(server);
    return shunned == shunned_until_.end() || shunned->second <= now;
  });
  std::vector<Attempt> out;
  for (const Upstream& server : servers) {
    Attempt& attempt = out.emplace_back();
    attempt.way = server.url.empty() ? Way::Udp : Way::Https;
    attempt.to = server;
  }
  for (const Upstream& server : servers) {
    if (!server.url.empty()) continue;
    Attempt& attempt = out.emplace_back();
    attempt.way = Way::Tcp;
    attempt.to = server;
  }
  return out;
}

void Forwarder::on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out) {
  const auto parsed = parse_response(response);
  const auto at = parsed ? in_flight_.find(parsed->header.id) : in_flight_.end();
  if (at == in_flight_.end() || !same_question(parsed->question, at->second.parsed.question)) {
    ++counters_.stray;
    return;
  }
  const auto& attempts = at->second.attempts;
  const auto asked = std::ranges::find_if(attempts, [&](const Attempt& attempt) {
    return attempt.way == Way::Udp && attempt.state != Attempt::State::Planned &&
           attempt.to.at == from;
  });
  if (asked == attempts.end()) {
    ++counters_.stray;
    return;
  }
  if (asked->state == Attempt::State::Over) return;  // said so before
  on_answer(at, static_cast<std::size_t>(asked - attempts.begin()), response, *parsed, now, out);
}

void Forwarder::on_stream_response(
    const Ticket& ticket, Bytes response, TimePoint now, Effects& out) {
  const auto at = find(ticket);
  if (at == in_flight_.end()) {
    ++counters_.stray;
    return;
  }
  const auto parsed = parse_response(response);
  const bool fits = parsed && parsed->header.id == at->first &&
                    same_question(parsed->question, at->second.parsed.question);
  if (!fits) {
    ++counters_.stray;
    return on_failed_attempt(at, ticket.attempt, now, out);
  }
  on_answer(at, ticket.attempt, response, *parsed, now, out);
}

void Forwarder::on_stream_failure(const Ticket& ticket, TimePoint now, Effects& out) {
  const auto at = find(ticket);
  if (at != in_flight_.end()) on_failed_attempt(at, ticket.attempt, now, out);
}

Forwarder::InFlight::iterator Forwarder::find(const Ticket& ticket) {
  const auto known = by_serial_.find(ticket.transaction);
  if (known == by_serial_.end()) return in_flight_.end();
  const auto at = in_flight_.find(known->second);
  const auto& attempts = at->second.attempts;
  const bool waits = ticket.attempt < attempts.size() &&
                     attempts[ticket.attempt].state == Attempt::State::Sent &&
                     attempts[ticket.attempt].way != Way::Udp;
  return waits ? at : in_flight_.end();
}

void Forwarder::on_answer(
    InFlight::iterator at, std::size_t index, Bytes response, const Query& parsed, TimePoint now,
    Effects& out) {
  Transaction& transaction = at->second;
  Attempt& attempt = transaction.attempts[index];
  const bool good = is_good(parsed.header.rcode());
  const bool cut = attempt.way == Way::Udp && (parsed.header.flags & Header::kTruncated) != 0;
  if (cut) ++counters_.truncated;
  if (good && (!cut || transaction.over_udp)) {
    ++counters_.answered;
    note_silence(transaction, index, now);
    return finish(at, response, out);
  }
  if (good) {
    if (!transaction.partial) transaction.partial.emplace(response.begin(), response.end());
    attempt.state = Attempt::State::Over;
    for (std::size_t i = 0; i < transaction.attempts.size(); ++i) {
      const Attempt& other = transaction.attempts[i];
      const bool same = other.way == Way::Tcp && other.to == attempt.to;
      if (same && other.state == Attempt::State::Planned) return ask(at, i, now, out);
    }
    return on_failed_attempt(at, index, now, out);
  }
  if (!transaction.failure) transaction.failure.emplace(response.begin(), response.end());
  end_server(transaction, Upstream(attempt.to));
  on_failed_attempt(at, index, now, out);
}

// What a server has refused one way it refuses the other way, too.
void Forwarder::end_server(Transaction& transaction, const Upstream& server) {
  for (Attempt& attempt : transaction.attempts) {
    if (attempt.to == server) attempt.state = Attempt::State::Over;
  }
}

void Forwarder::on_failed_attempt(
    InFlight::iterator at, std::size_t index, TimePoint now, Effects& out) {
  Transaction& transaction = at->second;
  transaction.attempts[index].state = Attempt::State::Over;
  const auto is_left = [](const Attempt& attempt) { return attempt.state != Attempt::State::Over; };
  if (std::ranges::none_of(transaction.attempts, is_left)) {
    ++counters_.failed;
    return give_up(at, out);
  }
  // A server that has not been asked at all is better than waiting for a silent one.
  const auto next = std::ranges::find(
      transaction.attempts, Attempt::State::Planned, [](const Attempt& a) { return a.state; });
  if (next == transaction.attempts.end()) return;
  const bool anybody_sent = std::ranges::any_of(transaction.attempts, [](const Attempt& attempt) {
    return attempt.state == Attempt::State::Sent;
  });
  if (next->way != Way::Tcp || !anybody_sent) ask_next(at, now, out);
}

// Those that were given their time and left the answer to another.
void Forwarder::note_silence(const Transaction& transaction, std::size_t answered, TimePoint now) {
  const Upstream& good = transaction.attempts[answered].to;
  shunned_until_.erase(good);
  for (const Attempt& attempt : transaction.attempts) {
    if (attempt.state != Attempt::State::Sent || attempt.to == good) continue;
    if (now - attempt.sent_at >= kTryNextAfter) shunned_until_[attempt.to] = now + kShunFor;
  }
}

void Forwarder::advance(TimePoint now, Effects& out) {
  for (auto at = in_flight_.begin(); at != in_flight_.end();) {
    const auto current = at++;  // giving up erases it
    Transaction& transaction = current->second;
    if (transaction.give_up_at <= now) {
      ++counters_.timed_out;
      give_up(current, out);
    } else if (transaction.try_next_at <= now) {
      ask_next(current, now, out);
    }
  }
}

std::optional<TimePoint> Forwarder::next_deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& [id, transaction] : in_flight_) {
    earliest = earlier(earliest, std::min(transaction.try_next_at, transaction.give_up_at));
  }
  return earliest;
}

const Upstreams& Forwarder::servers_for(std::string_view name, For whom) const {
  if (whom == For::Peer && !config_.for_peers.empty()) return config_.for_peers;
  while (!name.empty()) {
    if (const auto route = config_.routes.find(name); route != config_.routes.end()) {
      return route->second;
    }
    name.remove_prefix(std::min(name.find('.') + 1, name.size()));
  }
  return config_.upstreams;
}

std::uint16_t Forwarder::fresh_id() {
  for (;;) {
    const auto id = static_cast<std::uint16_t>(rng_.below(0x10000));
    if (!in_flight_.contains(id)) return id;  // at most kMaxInFlight of 65536 are taken
  }
}

void Forwarder::ask_next(InFlight::iterator at, TimePoint now, Effects& out) {
  const auto& attempts = at->second.attempts;
  const auto next = std::ranges::find(
      attempts, Attempt::State::Planned, [](const Attempt& attempt) { return attempt.state; });
  if (next != attempts.end()) {
    ask(at, static_cast<std::size_t>(next - attempts.begin()), now, out);
  } else {
    at->second.try_next_at = at->second.give_up_at;
  }
}

void Forwarder::ask(InFlight::iterator at, std::size_t index, TimePoint now, Effects& out) {
  Transaction& transaction = at->second;
  Attempt& attempt = transaction.attempts[index];
  attempt.state = Attempt::State::Sent;
  attempt.sent_at = now;
  Buffer query = transaction.query;
  set_id(query, at->first);
  ++(attempt.way == Way::Udp   ? counters_.by_udp
     : attempt.way == Way::Tcp ? counters_.by_tcp
                               : counters_.by_https);
  out.to_servers.push_back(
      {attempt.to, attempt.way, std::move(query),
       Ticket{transaction.serial, static_cast<std::uint16_t>(index)}});
  const auto next = std::ranges::find(
      transaction.attempts, Attempt::State::Planned, [](const Attempt& a) { return a.state; });
  transaction.try_next_at = transaction.give_up_at;
  if (next == transaction.attempts.end()) return;
  const TimePoint step = now + kTryNextAfter;
  transaction.try_next_at =
      next->way == Way::Tcp ? std::max(step, transaction.began + kTryTcpAfter) : step;
}

void Forwarder::give_up(InFlight::iterator at, Effects& out) {
  const Transaction& transaction = at->second;
  const Buffer response =
      transaction.partial ? *transaction.partial
      : transaction.failure
          ? *transaction.failure
          : error_response(transaction.query, transaction.parsed, Rcode::ServFail);
  finish(at, response, out);
}

void Forwarder::finish(InFlight::iterator at, Bytes response, Effects& out) {
  const Transaction& transaction = at->second;
  Buffer fitting(response.begin(), response.end());
  if (response.size() > transaction.size_limit) {
    // It parsed before, or is ours and short.
    if (const auto parsed = parse_response(response))
      fitting = truncated_response(response, *parsed);
  }
  set_id(fitting, transaction.parsed.header.id);
  out.to_askers.push_back({transaction.asker, std::move(fitting)});
  by_serial_.erase(transaction.serial);
  in_flight_.erase(at);
}

}  // namespace aya::dns
