#include "tests/load/crowd.h"

#include <algorithm>
#include <charconv>

namespace aya::load {
namespace {

constexpr Duration kRetryAfter = 100ms;

// An announcement's endpoint says which one it is: 198.18.0.0/15 is for benchmarks.
constexpr std::string_view kMark = "198.18.";

Endpoint endpoint_of(std::size_t number) {
  const std::string text = std::string(kMark) + std::to_string(number / 250) + '.' +
                           std::to_string(number % 250) + ":41641";
  return *Endpoint::parse(text);
}

std::size_t number_at(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  const auto end = std::from_chars(text.data() + at, text.data() + text.size(), number).ptr;
  at = static_cast<std::size_t>(end - text.data());
  return number;
}

}  // namespace

Crowd::Crowd(io::Loop& loop, Swarm& swarm, Wish wish)
    : loop_(loop), wish_(std::move(wish)), retry_(loop, [this] { connect_more(); }) {
  views_.resize(wish_.nodes);
  for (std::size_t i = 0; i < wish_.nodes; ++i) {
    LightNode::Options options;
    options.host_name = "load" + std::to_string(i);
    options.auth_key = wish_.auth_key;
    options.as_text = true;
    options.index = i;
    LightNode::Owner& owner = *this;
    nodes_.push_back(std::make_unique<LightNode>(swarm, std::move(options), owner));
    waiting_.push_back(wish_.nodes - 1 - i);
  }
}

void Crowd::join() { connect_more(); }

void Crowd::connect_more() {
  while (!waiting_.empty() && joining_ < wish_.joining_at_once) {
    const std::size_t next = waiting_.back();
    waiting_.pop_back();
    ++joining_;
    nodes_[next]->connect();
  }
}

void Crowd::drop_all() {
  forget_views();
  for (const auto& node : nodes_) node->drop();
  joining_ = nodes_.size();
  for (const auto& node : nodes_) node->connect();
}

void Crowd::forget_views() {
  for (View& view : views_) view = {};
  pictures_ = complete_ = joining_ = 0;
}

void Crowd::announce_next() {
  const std::size_t number = announced_at_.size();
  announced_at_.push_back(loop_.now());
  nodes_[number % nodes_.size()]->announce({endpoint_of(number)});
}

std::vector<Duration> Crowd::delays() const {
  auto sorted = delays_;
  std::ranges::sort(sorted);
  return sorted;
}

void Crowd::on_registered(LightNode&, const control::RegisterResponse&) {
  last_join_ = loop_.now();
}

void Crowd::on_map_text(LightNode& node, std::string_view json) {
  View& view = views_[node.index()];
  if (!view.in) {
    view.in = true;
    ++pictures_;
    --joining_;
    connect_more();
  }
  if (!view.complete) {
    note_peers(json, view);
    view.complete = view.known >= nodes_.size();  // itself too
    if (view.complete) ++complete_;
  }
  if (!announced_at_.empty() && json.size() < 64 * 1024) note_announcements(json);
}

// Whole nodes begin {"ID":7,"StableID":… - people do not.
void Crowd::note_peers(std::string_view json, View& view) {
  constexpr std::string_view kBegin = R"({"ID":)", kStable = R"(,"StableID")";
  for (auto at = json.find(kBegin); at != std::string_view::npos; at = json.find(kBegin, at)) {
    at += kBegin.size();
    const std::size_t id = number_at(json, at);
    if (!json.substr(at).starts_with(kStable)) continue;
    if (view.peers.size() <= id) view.peers.resize(std::max(id + 1, nodes_.size() + 16));
    if (view.peers[id]) continue;
    view.peers[id] = true;
    ++view.known;
  }
}

void Crowd::note_announcements(std::string_view json) {
  for (auto at = json.find(kMark); at != std::string_view::npos; at = json.find(kMark, at)) {
    at += kMark.size();
    std::size_t number = number_at(json, at) * 250;
    ++at;
    number += number_at(json, at);
    if (number < announced_at_.size()) delays_.push_back(loop_.now() - announced_at_[number]);
  }
}

void Crowd::on_ended(LightNode& node, const std::string& why) {
  ++failures_;
  last_failure_ = why;
  View& view = views_[node.index()];
  if (view.in) {
    --pictures_;
  } else {
    --joining_;
  }
  if (view.complete) --complete_;
  view = {};
  waiting_.push_back(node.index());
  retry_.arm(loop_.now() + kRetryAfter);
}

}  // namespace aya::load
