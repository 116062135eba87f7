// Address edits in front of an audience: how long from the answer of the API until every node that
// is online knows the new address?
//
//   aya_address_storm --server http://127.0.0.1:8080 --socket DIR/coord.sock
//                     [--nodes 50] [--edits 100]
//
// Exits with 0 when 99 of 100 edits were known everywhere within two seconds.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "proto/http/target.h"
#include "tests/load/light_node.h"
#include "tests/load/rest_caller.h"

namespace aya::load {
namespace {

constexpr Duration kMayTake = 2s;

struct Settings {
  std::string server, socket;
  std::size_t nodes = 50, edits = 100;
};

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

class Storm : public LightNode::Owner {
 public:
  Storm(io::Loop& loop, Rng& rng, const http::Url& server, const Settings& settings)
      : loop_(loop),
        settings_(settings),
        rest_(loop, settings.socket),
        swarm_(loop, rng, server.host, server.port, server.tls) {}

  bool join() {
    const auto key = rest_.now(
        "POST", "/tailnet/-/keys",
        {{"capabilities", {{"devices", {{"create", {{"reusable", true}}}}}}}});
    if (!key.is_object()) return false;
    for (std::size_t i = 0; i < settings_.nodes; ++i) {
      LightNode::Options options;
      options.host_name = "storm" + std::to_string(i);
      options.auth_key = key["key"].get<std::string>();
      options.index = i;
      nodes_.push_back(std::make_unique<LightNode>(swarm_, options, *this));
      views_.emplace_back();
      nodes_.back()->connect();
    }
    return loop_.run_until([&] { return failed_ || all_see_all(); }, 120s) && !failed_;
  }

  bool edit() {
    next_edit();
    return loop_.run_until([&] { return failed_ || took_.size() == settings_.edits; }, 300s) &&
           !failed_;
  }

  int report() {
    std::ranges::sort(took_);
    const auto at = [&](double part) {
      return took_[std::min(
          took_.size() - 1, static_cast<std::size_t>(part * double(took_.size())))];
    };
    if (took_.empty()) return 0;  // joining was all that was asked for
    const Duration p99 = at(0.99);
    std::printf(
        "%zu edits, %zu nodes: from the answer until all knew it p50 %.3f s, p99 %.3f s, "
        "longest %.3f s\n",
        took_.size(), nodes_.size(), seconds(at(0.5)), seconds(p99), seconds(took_.back()));
    return p99 <= kMayTake ? 0 : 1;
  }

 private:
  struct View {
    std::string stable_id;
    control::NodeId self;
    std::map<control::NodeId, IpAddress> peers;
  };
  struct Edit {
    std::set<std::size_t> missing;  // nodes that do not know it yet
    std::optional<TimePoint> answered;
    TimePoint last_heard{};
  };

  void on_map(LightNode& node, const control::MapResponse& message) override {
    View& view = views_[node.index()];
    if (message.node) {
      view.stable_id = message.node->stable_id;
      view.self = message.node->id;
      learn(node.index(), *message.node);
    }
    for (const auto* list : {&message.peers, &message.peers_changed}) {
      for (const control::Node& peer : *list) learn(node.index(), peer);
    }
  }

  void learn(std::size_t viewer, const control::Node& node) {
    if (node.addresses.empty()) return;
    const IpAddress& address = node.addresses.front().address;
    views_[viewer].peers[node.id] = address;
    const auto edit = pending_.find(address);
    if (edit == pending_.end()) return;
    edit->second.missing.erase(viewer);
    edit->second.last_heard = loop_.now();
    settle(edit);
  }

  void on_ended(LightNode& node, const std::string& why) override {
    std::fprintf(stderr, "node %zu: %s\n", node.index(), why.c_str());
    failed_ = true;
  }

  bool all_see_all() const {
    return std::ranges::all_of(
        views_, [&](const View& view) { return view.peers.size() >= settings_.nodes; });
  }

  // The next one as soon as the server has answered: what is measured is a server that is busy.
  void next_edit() {
    if (begun_ == settings_.edits || failed_) return;
    const std::size_t at = begun_++;
    const IpAddress to =
        IpAddress::v4((100u << 24) + (90u << 16) + static_cast<std::uint32_t>(at) + 1);
    Edit& edit = pending_[to];
    for (std::size_t i = 0; i < nodes_.size(); ++i) edit.missing.insert(i);
    const View& subject = views_[at % views_.size()];
    rest_.call(
        "POST", "/device/" + subject.stable_id + "/ip", {{"ipv4", to.to_text()}},
        [this, to](int status, const nlohmann::json& body) {
          if (status != 200) {
            std::fprintf(stderr, "edit: %d %s\n", status, body.dump().c_str());
            failed_ = true;
            return;
          }
          const auto found = pending_.find(to);
          found->second.answered = loop_.now();
          settle(found);
          next_edit();
        });
  }

  void settle(std::map<IpAddress, Edit>::iterator edit) {
    if (!edit->second.missing.empty() || !edit->second.answered) return;
    took_.push_back(
        std::max(Duration{0}, Duration(edit->second.last_heard - *edit->second.answered)));
    pending_.erase(edit);
  }

  io::Loop& loop_;
  const Settings& settings_;
  RestCaller rest_;
  Swarm swarm_;
  std::vector<View> views_;
  std::vector<std::unique_ptr<LightNode>> nodes_;
  std::map<IpAddress, Edit> pending_;
  std::vector<Duration> took_;
  std::size_t begun_ = 0;
  bool failed_ = false;
};

std::optional<Settings> read(int count, char** words) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    if (name == "--server")
      settings.server = words[i + 1];
    else if (name == "--socket")
      settings.socket = words[i + 1];
    else if (name == "--nodes")
      settings.nodes = std::stoul(words[i + 1]);
    else if (name == "--edits")
      settings.edits = std::stoul(words[i + 1]);
    else
      return std::nullopt;
  }
  if (settings.server.empty() || settings.socket.empty() || settings.nodes < 2) return std::nullopt;
  return settings;
}

int run(int count, char** words) {
  const auto settings = read(count, words);
  const auto server = settings ? http::Url::parse(settings->server) : std::nullopt;
  if (!server) {
    std::fprintf(stderr, "usage: --server URL --socket PATH [--nodes N] [--edits N]\n");
    return 2;
  }
  io::Loop loop;
  SystemRng rng;
  Storm storm(loop, rng, *server, *settings);
  if (!storm.join()) return std::fprintf(stderr, "not all nodes see all others\n"), 1;
  if (!storm.edit()) return std::fprintf(stderr, "not all edits came through\n"), 1;
  return storm.report();
}

}  // namespace
}  // namespace aya::load

int main(int count, char** words) { return aya::load::run(count, words); }
