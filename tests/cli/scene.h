// The state in which a recorded command ran, worked out from the words of its context and from the
// states recorded next to it. One scene for each sentence that the recordings use.
#pragma once

#include <map>
#include <string>

#include "tests/cli/fake_daemon.h"
#include "tests/support/recorded_host.h"

namespace aya::test {

// Recorded texts by case name: what daemons in each state said.
class Recordings {
 public:
  Recordings();
  const std::vector<Json>& cli() const { return cli_; }
  local::Status status(const std::string& cli_case) const;
  local::Prefs prefs(const std::string& local_case) const;
  const Json& local(const std::string& name) const { return local_.at(name); }
  // Every answer to whois, by the address that was asked for.
  const std::map<std::string, local::WhoIs>& people() const { return people_; }

 private:
  std::vector<Json> cli_;
  std::map<std::string, Json> cli_by_name_, local_;
  std::map<std::string, local::WhoIs> people_;
};

struct Scene {
  bool daemon = true;
  std::uint32_t caller = 0;
  // Of routes that answer from what only a running resolver knows; by path.
  std::map<std::string, FakeDaemon::Canned> answers;
};

// Fills the host; what the case changes about it before it runs.
Scene set_scene(const Recordings& recordings, const Json& recorded_case, RecordedHost& host);

}  // namespace aya::test
