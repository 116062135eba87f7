#include "tests/load/server_use.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace aya::load {

double ServerUse::cores(TimePoint now) {
  const double cpu = cpu_seconds() - cpu_before_;
  const double wall = std::chrono::duration<double>(now - before_).count();
  cpu_before_ += cpu;
  before_ = now;
  return wall > 0 ? cpu / wall : 0;
}

double ServerUse::cpu_seconds() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(in, line);
  // Behind the name in brackets, which may hold anything: user and system time are words 12 and 13.
  std::istringstream words(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string word;
  double ticks = 0;
  for (int at = 1; words >> word && at <= 13; ++at) {
    if (at >= 12) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t ServerUse::field_of_status(const std::string& name) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ':')) return std::stoul(line.substr(name.size() + 1));
  }
  return 0;
}

std::size_t ServerUse::rss_kilobytes() const { return field_of_status("VmRSS"); }
std::size_t ServerUse::peak_kilobytes() const { return field_of_status("VmHWM"); }

void ServerUse::forget_peak() const {
  std::ofstream("/proc/" + std::to_string(pid_) + "/clear_refs") << "5";
}

}  // namespace aya::load
