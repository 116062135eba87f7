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

void Forwarder::query(
    std::uint64_t asker, Bytes query, bool over_udp, TimePoint now, Effects& out) {
  auto parsed = parse_query(query);
  if (!parsed) return;
  ++counters_.queries;
  const auto& servers = servers_for(to_lower(parsed->question.name));
  if (servers.empty() || in_flight_.size() >= kMaxInFlight) {
    ++(servers.empty() ? counters_.failed : counters_.overload);
    out.to_askers.push_back({asker, error_response(query, *parsed, Rcode::ServFail)});
    return;
  }
  const std::uint16_t id = fresh_id();
  Transaction& transaction = in_flight_[id];
  transaction.asker = asker;
  transaction.query.assign(query.begin(), query.end());
  transaction.size_limit =
      over_udp ? udp_size_limit(query) : std::numeric_limits<std::uint16_t>::max();
  transaction.parsed = std::move(*parsed);
  transaction.servers = servers;
  transaction.failed.assign(servers.size(), false);
  transaction.give_up_at = now + kGiveUpAfter;
  ask_next(id, transaction, now, out);
}

void Forwarder::on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out) {
  const auto parsed = parse_response(response);
  const auto at = parsed ? in_flight_.find(parsed->header.id) : in_flight_.end();
  if (at == in_flight_.end()) {
    ++counters_.stray;
    return;
  }
  Transaction& transaction = at->second;
  const auto asked_end =
      transaction.servers.begin() + static_cast<std::ptrdiff_t>(transaction.asked);
  const auto server = std::find(transaction.servers.begin(), asked_end, from);
  if (server == asked_end || !same_question(parsed->question, transaction.parsed.question)) {
    ++counters_.stray;
    return;
  }
  if (is_good(parsed->header.rcode())) {
    ++counters_.answered;
    finish(at, response, out);
    return;
  }
  const auto index = static_cast<std::size_t>(server - transaction.servers.begin());
  if (transaction.failed[index]) return;  // said so before
  transaction.failed[index] = true;
  if (!transaction.failure) transaction.failure.emplace(response.begin(), response.end());
  if (transaction.asked < transaction.servers.size()) {
    ask_next(at->first, transaction, now, out);
  } else if (std::ranges::all_of(transaction.failed, [](bool failed) { return failed; })) {
    ++counters_.failed;
    give_up(at, out);
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
      ask_next(current->first, transaction, now, out);
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

const std::vector<Endpoint>& Forwarder::servers_for(std::string_view name) const {
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

void Forwarder::ask_next(std::uint16_t id, Transaction& transaction, TimePoint now, Effects& out) {
  Buffer query = transaction.query;
  set_id(query, id);
  out.to_servers.push_back({transaction.servers[transaction.asked], std::move(query)});
  ++transaction.asked;
  transaction.try_next_at =
      transaction.asked < transaction.servers.size() ? now + kTryNextAfter : transaction.give_up_at;
}

void Forwarder::give_up(InFlight::iterator at, Effects& out) {
  const Transaction& transaction = at->second;
  const Buffer response =
      transaction.failure ? *transaction.failure
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
  in_flight_.erase(at);
}

}  // namespace aya::dns
