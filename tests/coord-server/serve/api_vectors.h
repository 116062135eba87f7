// Recorded requests of the REST API, sent to a coordinator that the caller has brought into the
// state they need; answers are compared as tests/vectors/api/README.md says.
#pragma once

#include <map>

#include "tests/coord-server/serve/bench.h"
#include "tests/support/test_vectors.h"

namespace aya::serve {

// Is every member of `shown` in `got`? Says where it is not.
inline void expect_shown(const Json& shown, const Json& got, const std::string& where) {
  if (where.ends_with(".message")) {
    EXPECT_TRUE(got.is_string() && !got.get<std::string>().empty()) << where;
  } else if (shown.is_object() && !shown.empty()) {
    ASSERT_TRUE(got.is_object()) << where << ": " << got;
    for (const auto& [name, value] : shown.items()) {
      ASSERT_TRUE(got.contains(name)) << where << '.' << name << ": " << got;
      expect_shown(value, got.at(name), where + '.' + name);
    }
  } else if (shown.is_array()) {
    ASSERT_TRUE(got.is_array()) << where << ": " << got;
    ASSERT_EQ(got.size(), shown.size()) << where << ": " << got;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      expect_shown(shown[i], got[i], where + '[' + std::to_string(i) + ']');
    }
  } else {
    EXPECT_EQ(got, shown) << where;
  }
}

class ApiVectors : public Bench {
 protected:
  // Sends the request with our own credential; identifiers in its path are those of `names`.
  void run_case(const Json& c, const std::map<std::string, std::string>& names = {}) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    const Json& request = c.at("request");
    std::string path = request.at("path");
    for (const auto& [theirs, ours] : names) {
      if (const auto at = path.find(theirs); at != std::string::npos) {
        path.replace(at, theirs.size(), ours);
      }
    }
    const Json got =
        api(request.at("method"), path, request.contains("body") ? request["body"] : Json());
    const Json& response = c.at("response");
    EXPECT_EQ(reply.status, response.at("status").get<int>()) << got;
    expect_shown(response.at("body"), got, "body");
    ++cases_run;
  }

  std::size_t cases_run = 0;
};

}  // namespace aya::serve
