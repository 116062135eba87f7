#include "proto/local/exit_nodes.h"

#include <algorithm>
#include <array>

#include "proto/local/location_fields.h"

namespace aya::local {
namespace {

using Outcome = InternetTest::Outcome;
constexpr std::array<std::pair<Outcome, std::string_view>, 3> kOutcomes = {{
    {Outcome::Passed, "passed"},
    {Outcome::Failed, "failed"},
    {Outcome::Skipped, "skipped"},
}};

std::string_view to_text(Outcome outcome) {
  return std::ranges::find(kOutcomes, outcome, &std::pair<Outcome, std::string_view>::first)
      ->second;
}

// Each element of the list under `name` through `read`; an absent list is empty.
template <class T, class Read>
bool read_objects(Fields& in, const char* name, std::vector<T>& out, Read read) {
  const Json* list = in.find(name);
  if (list == nullptr) return true;
  if (!list->is_array()) return false;
  for (const Json& element : *list) {
    Fields fields(element);
    read(fields, out.emplace_back());
    if (fields.failed()) return false;
  }
  return true;
}

}  // namespace

std::string to_json_line(const ExitNodeSuggestion& suggestion) {
  Json out = {{"ID", suggestion.id}, {"Name", suggestion.name}};
  if (suggestion.location) out["Location"] = to_json_value(*suggestion.location);
  return dump_line(out);
}

Result<ExitNodeSuggestion, ParseError> parse_exit_node_suggestion(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  ExitNodeSuggestion out;
  in.read("ID", out.id);
  in.read("Name", out.name);
  read_location(in, out.location);
  if (in.failed()) return ParseError::BadValue;
  return out;
}

std::string to_json(const ExitNodes& nodes) {
  Json offers = Json::array();
  for (const ExitNodeOffer& offer : nodes.offers) {
    Json one = {{"ID", offer.id}, {"Approved", offer.approved}};
    if (offer.latency) one["LatencyNanoseconds"] = offer.latency->count();
    offers.push_back(std::move(one));
  }
  return dump_indented(
      {{"InUse", nodes.in_use}, {"Previous", nodes.previous}, {"Offers", std::move(offers)}});
}

Result<ExitNodes, ParseError> parse_exit_nodes(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  ExitNodes out;
  in.read("InUse", out.in_use);
  in.read("Previous", out.previous);
  const bool read = read_objects(in, "Offers", out.offers, [](Fields& one, ExitNodeOffer& offer) {
    one.read("ID", offer.id);
    one.read("Approved", offer.approved);
    if (one.find("LatencyNanoseconds") == nullptr) return;
    std::int64_t nanoseconds = 0;
    one.read("LatencyNanoseconds", nanoseconds);
    offer.latency = Duration(nanoseconds);
  });
  if (in.failed() || !read) return ParseError::BadValue;
  return out;
}

const InternetTest* InternetCheck::first_failure() const {
  const auto found = std::ranges::find(tests, Outcome::Failed, &InternetTest::outcome);
  return found == tests.end() ? nullptr : &*found;
}

std::string to_json(const InternetCheck& check) {
  Json tests = Json::array();
  for (const InternetTest& test : check.tests) {
    tests.push_back(
        {{"Name", test.name}, {"Outcome", to_text(test.outcome)}, {"Detail", test.detail}});
  }
  return dump_indented({{"Tests", std::move(tests)}, {"Egress", check.egress}});
}

Result<InternetCheck, ParseError> parse_internet_check(std::string_view json) {
  const Json value = parse_json(json);
  if (value.is_discarded()) return ParseError::BadEncoding;
  Fields in(value);
  InternetCheck out;
  in.read("Egress", out.egress);
  const bool read = read_objects(in, "Tests", out.tests, [](Fields& one, InternetTest& test) {
    std::string outcome;
    one.read("Name", test.name);
    one.read("Outcome", outcome);
    one.read("Detail", test.detail);
    const auto known =
        std::ranges::find(kOutcomes, outcome, &std::pair<Outcome, std::string_view>::second);
    if (known == kOutcomes.end()) return one.fail("Outcome", "passed, failed or skipped");
    test.outcome = known->first;
  });
  if (in.failed() || !read) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
