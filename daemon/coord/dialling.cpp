// Coord's connections: which attempts are made, which one wins, what happens when it is lost.

#include <algorithm>

#include "daemon/coord/coord.h"

namespace aya::coord {

void Coord::dial(Moment now, Effects& out) {
  connect_at_.reset();
  dial_ = Dial{
      dial_plan(
          config_.server, {.key_known = config_.server_key.has_value(),
                           .tls_only = config_.tls_only,
                           .tls_won_last = tls_won_last_}),
      config_.server_key, now.steady};
  if (dial_->waiting.empty()) {
    dial_.reset();
    out.problems.push_back(
        "a server that is trusted by its certificate needs an https:// URL; give it to `ayatori up "
        "--login-server`");
    connect_at_ = now.steady + connect_backoff_.next();
    return;
  }
  open_due_attempts(now, out);
}

// The next attempt begins when its time has come, or at once when nothing is under way any more.
void Coord::open_due_attempts(Moment now, Effects& out) {
  while (dial_ && !dial_->waiting.empty()) {
    const DialAttempt& next = dial_->waiting.front();
    if (!links_.empty() && dial_->began + next.after > now.steady) return;
    DialAttempt attempt = next;
    dial_->waiting.erase(dial_->waiting.begin());
    open_attempt(std::move(attempt), now, out);
  }
}

void Coord::open_attempt(DialAttempt to, Moment now, Effects& out) {
  const LinkId link{++last_link_};
  out.open.push_back({link, to});
  links_.emplace(
      link, Link{std::move(to), dial_->server_key, std::nullopt, now.steady + kDialTimeout});
}

void Coord::on_connected(LinkId link, Moment now, Effects& out) {
  const auto found = links_.find(link);
  if (found == links_.end() || found->second.session) return;
  http::Url url = config_.server;
  url.tls = found->second.to.tls;
  url.port = found->second.to.port;
  found->second.session.emplace(
      CoordSession::Options{url.authority(), config_.machine_key, found->second.server_key}, rng_);
  pump(link, now, out);
}

void Coord::on_bytes(LinkId link, Bytes bytes, Moment now, Effects& out) {
  const auto found = links_.find(link);
  if (found == links_.end() || !found->second.session) return;
  found->second.session->receive(bytes);
  pump(link, now, out);
}

void Coord::on_closed(LinkId link, std::string_view why, Moment now, Effects& out) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  if (found->second.session) {
    found->second.session->on_closed(why);
    pump(link, now, out);
  } else {
    on_link_lost(link, std::string(why), now, out);
  }
}

void Coord::on_established(LinkId link, Moment now, Effects& out) {
  current_ = link;
  tls_won_last_ = links_.at(link).to.tls;
  config_.server_key = links_.at(link).server_key;  // it has just been proven
  dial_.reset();
  for (auto other = links_.begin(); other != links_.end();) {
    if (other->first == link) {
      ++other;
    } else {
      out.close.push_back(other->first);
      other = links_.erase(other);
    }
  }
  work(now, out);
}

// Is anybody still there? The answer is due before probe_deadline_.
void Coord::probe(Moment now) {
  CoordSession* open = session();
  if (open == nullptr) return;
  pongs_before_ = open->pongs();
  open->ping();
  probe_deadline_ = now.steady + kProbeTimeout;
}

void Coord::on_link_lost(LinkId link, const std::string& why, Moment now, Effects& out) {
  if (current_ == link) return drop_connection(why, now, out);
  if (links_.erase(link) == 0) return;
  out.close.push_back(link);
  if (!dial_) return;
  open_due_attempts(now, out);
  if (!links_.empty()) return;
  dial_.reset();
  out.problems.push_back(why);
  connect_at_ = now.steady + connect_backoff_.next();
}

// The established connection is gone. What was asked on it is asked again on the next.
void Coord::drop_connection(const std::string& why, Moment now, Effects& out) {
  if (!current_) return;
  flush(out);
  out.close.push_back(*current_);
  links_.erase(*current_);
  current_.reset();
  registering_.reset();
  logging_out_.reset();
  update_.reset();
  if (reporting_) give_up_report(out);
  poll_.reset();
  poll_at_.reset();
  probe_deadline_.reset();
  out.problems.push_back(why);
  connect_at_ = now.steady + connect_backoff_.next();
  set_phase(out, now);
}

void Coord::close_all(Effects& out) {
  flush(out);
  for (const auto& [link, state] : links_) out.close.push_back(link);
  links_.clear();
  current_.reset();
  dial_.reset();
  registering_.reset();
  logging_out_.reset();
  update_.reset();
  if (reporting_) give_up_report(out);
  poll_.reset();
  connect_at_ = register_at_ = poll_at_ = update_at_ = probe_deadline_ = expiry_at_ = std::nullopt;
}

}  // namespace aya::coord
