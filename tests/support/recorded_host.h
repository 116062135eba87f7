// A LocalHost that really works, on state taken from recordings (tests/vectors/cli): it keeps
// prefs, logs in and out, and says on the bus what changed. Ends of pings and checks are collected
// for whoever owns the LocalApi, which also announces what `says` holds.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/localapi/local_host.h"
#include "tests/support/test_vectors.h"

namespace aya::test {

class RecordedHost final : public localapi::LocalHost {
 public:
  // What it is. Tests write here before anybody calls.
  local::Status now;
  local::Prefs kept;
  std::map<std::string, local::WhoIs> people;  // by address text or node key text
  local::RawJson relays, self, map, report{"{}"}, dns, rules, matches;
  local::DnsOsConfig os_dns;
  std::vector<local::HealthWarning> problems;
  std::vector<local::PeerSession> sessions;
  std::optional<std::string> refusal;        // of every change of prefs
  std::optional<std::string> login_problem;  // what the server says to a key
  std::string login_url = "https://mesh.example/register/1";
  bool person_logs_in = false;  // the one who was sent to login_url
  std::map<std::string, std::uint32_t> users;
  std::optional<local::DnsAnswer> dns_answer;
  // Nullopt: the ping is never answered.
  std::function<std::optional<local::PingResult>(const localapi::PingRequest&)> on_ping;
  std::map<std::int64_t, local::RawJson> nodes;  // by id
  local::UserMetrics counted;
  std::string forwarding_problem;
  std::vector<local::LoginProfile> logins;
  std::string login;  // the id of the one in use; "" for one that has not succeeded

  localapi::DialOutcome dialled;  // how connections end
  std::string dialled_says;       // what is behind them, before it hangs up
  local::ExitNodeSuggestion suggestion;
  local::ExitNodes exits;
  // What checks of the Internet find, one after the other; the last one stays.
  std::deque<local::InternetCheck> internet = {{}};

  // What happened, for the owner of the LocalApi to pass on.
  std::vector<local::Notify> says;
  std::vector<std::pair<localapi::ExchangeId, local::PingResult>> pongs;
  std::vector<localapi::ExchangeId> checks;
  std::vector<std::pair<localapi::ExchangeId, localapi::DnsQuery>> questions;
  std::vector<std::pair<localapi::ExchangeId, localapi::DialRequest>> dials;
  std::vector<std::pair<localapi::ExchangeId, std::string>> laters;
  std::vector<std::string> called;  // routes that only act
  std::vector<std::string> logged, reasons;
  std::vector<std::string> marks;  // of requests for help

  local::Status status(bool with_peers) const override {
    local::Status copy = now;
    if (with_peers) return copy;
    copy.peers.clear();
    std::erase_if(copy.users, [&](const auto& user) { return user.first != copy.self.user_id; });
    return copy;
  }
  local::Prefs prefs() const override { return kept; }
  std::optional<local::WhoIs> whois(const localapi::WhoIsQuery& query) const override {
    const auto found = people.find(query.ip ? query.ip->to_text() : query.key->to_text());
    return found == people.end() ? std::nullopt : std::optional(found->second);
  }
  local::RawJson derp_map() const override { return relays; }
  local::RawJson self_node() const override { return self; }
  local::RawJson net_map() const override { return map; }
  local::RawJson dns_config() const override { return dns; }
  local::RawJson filter_rules() const override { return rules; }
  local::RawJson filter_matches() const override { return matches; }
  local::DnsOsConfig dns_os_config() const override { return os_dns; }
  local::RawJson peer(std::int64_t node_id) const override {
    const auto found = nodes.find(node_id);
    return found == nodes.end() ? local::RawJson{} : found->second;
  }
  std::size_t peer_count() const override { return now.peers.size(); }
  local::EngineUpdate engine() const override { return {}; }
  std::vector<local::HealthWarning> health() const override { return problems; }
  std::vector<local::PeerSession> peer_sessions() const override { return sessions; }
  std::optional<std::uint32_t> uid_of(const std::string& user) const override {
    const auto found = users.find(user);
    return found == users.end() ? std::nullopt : std::optional(found->second);
  }

  local::UserMetrics metrics() const override { return counted; }
  std::vector<local::InternalCounter> internal_counters() const override {
    return {{"ayatori_filter_in_no_rule", 3}};
  }
  local::LogLines log_lines(std::uint64_t after) const override {
    local::LogLines out{logged.size(), {}};
    for (std::size_t i = after; i < logged.size(); ++i) out.lines.push_back(logged[i]);
    return out;
  }
  std::string ip_forwarding_problem() const override { return forwarding_problem; }

  std::vector<local::LoginProfile> profiles() const override { return logins; }
  local::LoginProfile current_profile() const override {
    const auto found = std::ranges::find(logins, login, &local::LoginProfile::id);
    return found == logins.end() ? local::LoginProfile{} : *found;
  }
  std::optional<std::string> new_profile() override {
    called.push_back("new profile");
    login.clear();
    kept = local::Prefs{};
    become(local::BackendState::NeedsLogin);
    return std::nullopt;
  }
  std::optional<std::string> switch_profile(const std::string& id) override {
    called.push_back("switch to " + id);
    login = id;
    run();
    return std::nullopt;
  }
  std::optional<std::string> delete_profile(const std::string& id) override {
    called.push_back("delete " + id);
    std::erase_if(logins, [&id](const auto& one) { return one.id == id; });
    if (login == id) return new_profile();
    return std::nullopt;
  }
  std::optional<std::string> set_prefs(const local::Prefs& next) override {
    if (refusal) return refusal;
    kept = next;
    using enum local::BackendState;
    if (!kept.want_running && now.backend_state == Running) become(Stopped);
    if (kept.want_running && now.backend_state == Stopped) run();
    return std::nullopt;
  }
  std::optional<std::string> start(const local::StartRequest& request) override {
    if (refusal) return refusal;
    called.push_back("start " + request.auth_key);
    if (request.update_prefs) kept = *request.update_prefs;
    if (request.auth_key.empty()) return std::nullopt;
    if (login_problem) {
      says.emplace_back().err_message = login_problem;
    } else {
      log_in();
    }
    return std::nullopt;
  }
  void login_interactive() override {
    called.push_back("login-interactive");
    now.auth_url = login_url;
    says.emplace_back().browse_to_url = login_url;
    if (person_logs_in) log_in();
  }
  void logout() override {
    called.push_back("logout");
    kept.logged_out = true;
    become(local::BackendState::NeedsLogin);
  }
  std::string mark_log(const std::string& note) override {
    const std::string marker =
        "BUG-" + std::string(64, 'a') + "-20260102030405Z-" + std::string(16, 'b');
    marks.push_back(marker + " " + note);
    return marker;
  }
  void note_reason(std::string_view route, std::string_view reason) override {
    reasons.push_back(std::string(route) + ": " + std::string(reason));
  }
  localapi::ConfigReload reload_config() override { return {}; }
  void shutdown() override { called.push_back("shutdown"); }
  void rebind() override { called.push_back("rebind"); }
  void restun() override { called.push_back("restun"); }

  void ping(localapi::ExchangeId exchange, const localapi::PingRequest& request) override {
    if (auto pong = on_ping ? on_ping(request) : std::nullopt) {
      pongs.emplace_back(exchange, *std::move(pong));
    }
  }
  void netcheck(localapi::ExchangeId exchange) override { checks.push_back(exchange); }
  void dns_query(localapi::ExchangeId exchange, const localapi::DnsQuery& query) override {
    questions.emplace_back(exchange, query);
  }
  void dial(localapi::ExchangeId exchange, const localapi::DialRequest& request) override {
    dials.emplace_back(exchange, request);
  }
  Result<local::ExitNodeSuggestion, std::string> suggest_exit_node() const override {
    if (relays.empty()) return std::string("no preferred DERP, try again later");
    return suggestion;
  }
  void exit_nodes(localapi::ExchangeId exchange, bool) override {
    laters.emplace_back(exchange, local::to_json(exits));
  }
  void check_internet(
      localapi::ExchangeId exchange, const localapi::InternetRequest& request) override {
    called.push_back("check-internet without " + request.without);
    laters.emplace_back(exchange, local::to_json(internet.front()));
    if (internet.size() > 1) internet.pop_front();
  }

 private:
  void become(local::BackendState state) {
    now.backend_state = state;
    says.emplace_back().state = state;
  }
  void run() {
    become(local::BackendState::Starting);
    become(local::BackendState::Running);
  }
  void log_in() {
    now.auth_url.clear();
    kept.logged_out = false;
    says.emplace_back().login_finished = true;
    run();
  }
};

// The answer of whois as its parts.
inline local::WhoIs recorded_whois(const Json& body) {
  local::WhoIs who;
  who.node.text = body.at("Node").dump();
  const Json& user = body.at("UserProfile");
  who.user = {
      user.at("ID").get<std::int64_t>(), user.at("LoginName").get<std::string>(),
      user.at("DisplayName").get<std::string>(), user.value("ProfilePicURL", "")};
  if (!body.at("CapMap").is_null()) who.cap_map.text = body.at("CapMap").dump();
  return who;
}

}  // namespace aya::test
