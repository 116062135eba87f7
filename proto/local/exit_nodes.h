// What the local interface says about exit nodes besides the status: the one it would propose, the
// ones there are and how long they take to answer, and whether the Internet is reached through the
// one in use. Values only, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/local/status.h"

namespace aya::local {

// The answer of suggest-exit-node. An empty id: none to propose.
struct ExitNodeSuggestion {
  std::string id, name;  // the full DNS name with its dot
  std::optional<Location> location;
  friend bool operator==(const ExitNodeSuggestion&, const ExitNodeSuggestion&) = default;
};

std::string to_json_line(const ExitNodeSuggestion& suggestion);
Result<ExitNodeSuggestion, ParseError> parse_exit_node_suggestion(std::string_view json);

// Ours, the answer of exit-nodes: peers that want to be exit nodes.
struct ExitNodeOffer {
  std::string id;
  bool approved = false;            // may be one; otherwise somebody has to approve its routes
  std::optional<Duration> latency;  // of its last answer to a ping, if it ever answered
  friend bool operator==(const ExitNodeOffer&, const ExitNodeOffer&) = default;
};
struct ExitNodes {
  std::string in_use;    // stable id; empty: none, or none that exists
  std::string previous;  // the choice before the present one, as exit_node_choice() writes it
  std::vector<ExitNodeOffer> offers;
  friend bool operator==(const ExitNodes&, const ExitNodes&) = default;
};

std::string to_json(const ExitNodes& nodes);
Result<ExitNodes, ParseError> parse_exit_nodes(std::string_view json);

// Ours, the answer of check-internet: what programs on this host experience.
struct InternetTest {
  enum class Outcome { Passed, Failed, Skipped };
  std::string name;  // "server", "dns" or "tcp"
  Outcome outcome = Outcome::Failed;
  std::string detail;  // what was reached, or why not, as a phrase
  friend bool operator==(const InternetTest&, const InternetTest&) = default;
};
struct InternetCheck {
  std::vector<InternetTest> tests;
  std::string egress;  // our address as the server saw it; empty: it did not say
  friend bool operator==(const InternetCheck&, const InternetCheck&) = default;

  const InternetTest* first_failure() const;  // nullptr: all passed or were skipped
};

std::string to_json(const InternetCheck& check);
Result<InternetCheck, ParseError> parse_internet_check(std::string_view json);

}  // namespace aya::local
