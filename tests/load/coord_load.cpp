// Load for a running coordinator, and what it costs there: one line of JSON per stage.
//
//   coord-load HOST PORT tls|plain AUTH_KEY SERVER_PID NODES IDLE_SECONDS CHANGE_SECONDS
//
//   join     everyone joins; how long after the last one all views are complete
//   idle     nothing happens
//   changes  twenty endpoints a second change; how long until all others know
//   return   all connections break at once; how long until everyone has a whole picture again
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/load/crowd.h"
#include "tests/load/server_use.h"

namespace aya::load {
namespace {

using Json = nlohmann::json;

constexpr Duration kPatience = 180s;
constexpr Duration kBetweenChanges = 50ms;

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }
double milliseconds(Duration span) { return seconds(span) * 1000; }

struct Run {
  io::Loop& loop;
  Crowd& crowd;
  ServerUse& use;

  void wait(Duration span) {
    const TimePoint end = loop.now() + span;
    io::Timer timer(loop, [] {});
    timer.arm(end);
    loop.run_until([&] { return loop.now() >= end; }, span + 1s);
  }

  void report(const char* stage, Json figures) {
    figures["stage"] = stage;
    figures["cores"] = use.cores(loop.now());
    figures["rss_kb"] = use.rss_kilobytes();
    figures["peak_kb"] = use.peak_kilobytes();
    figures["failures"] = crowd.failures();
    if (crowd.failures() > 0) figures["last_failure"] = crowd.last_failure();
    std::cout << figures.dump() << std::endl;
    use.forget_peak();
  }

  void join() {
    const TimePoint began = loop.now();
    crowd.join();
    loop.run_until([&] { return crowd.all_complete(); }, kPatience);
    const TimePoint end = loop.now();
    report(
        "join", {{"complete", crowd.complete()},
                 {"joining_s", seconds(crowd.last_join() - began)},
                 {"after_last_join_s", seconds(end - crowd.last_join())}});
  }

  void idle(Duration span) {
    wait(5s);  // what joining left behind
    use.cores(loop.now());
    use.forget_peak();
    wait(span);
    report("idle", Json::object());
  }

  void changes(Duration span) {
    use.cores(loop.now());
    const TimePoint began = loop.now();
    TimePoint next = began;
    io::Timer timer(loop, [&] {
      crowd.announce_next();
      next += kBetweenChanges;
      if (next < began + span) timer.arm(next);
    });
    timer.arm(next);
    loop.run_until([&] { return next >= began + span && crowd.all_heard(); }, span + 10s);
    const auto delays = crowd.delays();
    const auto at = [&](double part) {
      if (delays.empty()) return 0.0;
      return milliseconds(
          delays[static_cast<std::size_t>(part * static_cast<double>(delays.size() - 1))]);
    };
    report(
        "changes", {{"announced", crowd.announced()},
                    {"heard", delays.size()},
                    {"all_heard", crowd.all_heard()},
                    {"p50_ms", at(0.5)},
                    {"p99_ms", at(0.99)},
                    {"max_ms", at(1)}});
  }

  void come_back() {
    const TimePoint began = loop.now();
    use.cores(began);
    crowd.drop_all();
    loop.run_until([&] { return crowd.all_complete(); }, kPatience);
    report("return", {{"complete", crowd.complete()}, {"took_s", seconds(loop.now() - began)}});
  }
};

void allow_many_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(char** words) {
  allow_many_connections();
  io::Loop loop;
  SystemRng rng;
  Swarm swarm(
      loop, rng, words[1], static_cast<std::uint16_t>(std::atoi(words[2])),
      std::string_view(words[3]) == "tls");
  Crowd crowd(loop, swarm, {static_cast<std::size_t>(std::atoi(words[6])), words[4]});
  ServerUse use(std::atoi(words[5]));
  use.cores(loop.now());
  Run stages{loop, crowd, use};
  stages.join();
  if (const int span = std::atoi(words[7]); span > 0) stages.idle(std::chrono::seconds(span));
  if (const int span = std::atoi(words[8]); span > 0) {
    stages.changes(std::chrono::seconds(span));
    stages.come_back();
  }
  return 0;
}

}  // namespace
}  // namespace aya::load

int main(int count, char** words) {
  if (count != 9) {
    std::cerr << "usage: coord-load HOST PORT tls|plain AUTH_KEY SERVER_PID NODES IDLE_SECONDS "
                 "CHANGE_SECONDS\n";
    return 2;
  }
  return aya::load::run(words);
}
