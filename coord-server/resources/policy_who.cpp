// GET /tailnet/{t}/acl/who?src=&dst=&port=&proto= (additive): may the one reach the other, and by
// which rules of the policy in force. What stands for several machines is asked for each pair.
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/policy/policy.h"
#include "coord-server/resources/handlers.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

// More are counted, not named.
constexpr std::size_t kMostPairsShown = 100;
// Every rule is asked about every pair while everybody else waits.
constexpr std::size_t kMostPairs = 2'000;

struct Question {
  std::string from, to, protocol_text;
  std::uint16_t port = 0;
  std::int64_t protocol = 0;
};

Answer<Question> question_of(const http::Request& request) {
  const auto asked = [&](const char* name) {
    return http::query_value(request.query(), name).value_or("");
  };
  Question out{asked("src"), asked("dst"), asked("proto")};
  if (out.from.empty()) return ApiError::bad_request("src: required");
  if (out.to.empty()) return ApiError::bad_request("dst: required");
  const auto port = parse_number<std::uint16_t>(asked("port"));
  if (!port) return ApiError::bad_request("port: want a number from 0 to 65535");
  out.port = *port;
  if (out.protocol_text.empty()) out.protocol_text = "tcp";
  const auto protocol = policy_file::parse_protocol(out.protocol_text);
  if (!protocol) return ApiError::bad_request("proto: want a protocol's name or number");
  out.protocol = *protocol;
  return out;
}

std::string name_of(const AdminContext& c, const policy::End& end, const std::string& asked) {
  const nodes::Node* node = end.real ? c.registry.find(end.device.id) : nullptr;
  return node == nullptr ? asked : c.registry.full_name(*node);
}

Json selectors_json(const std::vector<policy_file::Selector>& selectors) {
  Json out = Json::array();
  for (const auto& selector : selectors) out.push_back(selector.text);
  return out;
}

Json rule_json(const policy::Rule& rule) {
  return {
      {"line", rule.written->at.line},
      {"src", selectors_json(rule.written->src)},
      {"dst", selectors_json(rule.written->dst)}};
}

}  // namespace

Answer<http::Response> explain_access(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto question = question_of(c.request);
  if (!question) return question.error();
  auto policy = policy_file::read_policy(
      policy::text_in_force(**account), policy::realm_of(c.registry, **account));
  if (!policy) return ApiError{policy.error().status, policy.error().message};
  const auto engine = policy::engine_over(c.registry, (*account)->id, *policy);
  const auto from = policy::ends_of(*engine, question->from);
  if (from.empty()) return ApiError::not_found("src " + in_quotes(question->from));
  const auto to = policy::ends_of(*engine, question->to);
  if (to.empty()) return ApiError::not_found("dst " + in_quotes(question->to));
  if (from.size() * to.size() > kMostPairs) {
    return ApiError::bad_request(
        "src and dst stand for too many pairs of machines; name one machine");
  }

  std::size_t tried = 0, passed = 0;
  Json pairs = Json::array();
  std::vector<bool> used(engine->rules().size());
  for (const policy::End& source : from) {
    for (const policy::End& target : to) {
      bool passes = false;
      for (std::size_t i = 0; i < used.size(); ++i) {
        if (!policy::lets_through(
                *engine, engine->rules()[i], source, target, question->protocol, question->port)) {
          continue;
        }
        passes = used[i] = true;
      }
      ++tried;
      if (passes) ++passed;
      if (pairs.size() < kMostPairsShown) {
        pairs.push_back(
            {{"from", name_of(c, source, question->from)},
             {"to", name_of(c, target, question->to)},
             {"accept", passes}});
      }
    }
  }
  Json rules = Json::array();
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) rules.push_back(rule_json(engine->rules()[i]));
  }
  const char* verdict = passed == 0 ? "drop" : passed == tried ? "accept" : "some";
  return http::Response::json(
      200, text_of(
               {{"src", question->from},
                {"dst", question->to},
                {"port", question->port},
                {"proto", question->protocol_text},
                {"verdict", verdict},
                {"tried", tried},
                {"passed", passed},
                {"pairs", std::move(pairs)},
                {"rules", std::move(rules)}}));
}

}  // namespace aya::resources
