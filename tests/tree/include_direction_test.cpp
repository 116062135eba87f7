// The arrows between rooms, checked against the sources. allowed_includes.txt holds:
//
//   arrow ROOM: ROOM ROOM ...     headers of these rooms may be included by the first
//   shell PATTERN                 files that may touch the system: sockets, files, threads, clocks
//   system ROOM: HEADER ...       a system header that a pure room may use all the same
//
// A line nothing needs fails too, so that the file stays a true map of the tree.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Words = std::set<std::string>;

const fs::path kTree = AYA_TREE;

// What a pure room may not see: these reach the operating system, or another thread.
const Words kSystemHeaders = {
    "thread",  "mutex",    "condition_variable", "future", "fstream", "filesystem", "unistd.h",
    "fcntl.h", "poll.h",   "pthread.h",          "uv.h",   "netdb.h", "dirent.h",   "signal.h",
    "csignal", "ifaddrs.h"};
const std::vector<std::string> kSystemFolders = {"sys/", "net/", "netinet/", "linux/", "arpa/"};

struct Allowed {
  std::map<std::string, Words> arrows;
  std::map<std::string, Words> system;
  std::vector<std::string> shells;
};

Allowed read_allowed() {
  Allowed out;
  std::ifstream in(kTree / "tests/tree/allowed_includes.txt");
  EXPECT_TRUE(in.good());
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string kind, subject;
    if (!(words >> kind >> subject)) continue;
    if (kind == "shell") {
      out.shells.push_back(subject);
      continue;
    }
    EXPECT_TRUE(subject.ends_with(":")) << line;
    subject.pop_back();
    auto& into = kind == "arrow" ? out.arrows[subject] : out.system[subject];
    EXPECT_TRUE(kind == "arrow" || kind == "system") << line;
    for (std::string word; words >> word;) into.insert(word);
  }
  return out;
}

// The nearest folder that is a room: cli/commands is a part of the room cli.
std::string room_of(const std::string& path) {
  std::string room = path.substr(0, path.rfind('/'));
  while (!fs::exists(kTree / room / "CMakeLists.txt") && room.find('/') != std::string::npos) {
    room.erase(room.rfind('/'));
  }
  return room;
}

bool matches(const std::string& pattern, const std::string& path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string::npos) return path.starts_with(pattern + "/") || path == pattern;
  const std::string before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return path.size() >= before.size() + after.size() && path.starts_with(before) &&
         path.find(after, before.size()) != std::string::npos;
}

struct Include {
  std::string file;    // "daemon/tunnel/peer.cpp"
  std::string header;  // "proto/noise/ik.h" or "sys/socket.h"
  bool ours;
};

std::optional<Include> parse_include(const std::string& file, const std::string& line) {
  const std::string start = "#include ";
  if (!line.starts_with(start) || line.size() < start.size() + 3) return std::nullopt;
  const char open = line[start.size()];
  const std::size_t end = line.find(open == '"' ? '"' : '>', start.size() + 1);
  if ((open != '"' && open != '<') || end == std::string::npos) return std::nullopt;
  return Include{file, line.substr(start.size() + 1, end - start.size() - 1), open == '"'};
}

std::vector<Include> read_includes() {
  std::vector<Include> out;
  for (const char* part : {"proto", "daemon", "coord-server", "cli"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kTree / part)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream in(entry.path());
      const std::string file = fs::relative(entry.path(), kTree);
      for (std::string line; std::getline(in, line);) {
        if (auto found = parse_include(file, line)) out.push_back(*std::move(found));
      }
    }
  }
  EXPECT_GT(out.size(), 100u);
  return out;
}

bool is_system(const std::string& header) {
  return kSystemHeaders.contains(header) ||
         std::ranges::any_of(
             kSystemFolders, [&](const std::string& folder) { return header.starts_with(folder); });
}

TEST(IncludeDirection, EveryArrowBetweenRoomsIsAllowed) {
  const Allowed allowed = read_allowed();
  std::map<std::string, Words> used;
  for (const Include& include : read_includes()) {
    if (!include.ours) continue;
    const std::string from = room_of(include.file), to = room_of(include.header);
    if (from == to) continue;
    used[from].insert(to);
    const auto arrow = allowed.arrows.find(from);
    EXPECT_TRUE(arrow != allowed.arrows.end() && arrow->second.contains(to))
        << include.file << " includes " << include.header << ": no arrow " << from << " -> " << to;
  }
  for (const auto& [from, targets] : allowed.arrows) {
    for (const std::string& to : targets) {
      EXPECT_TRUE(used[from].contains(to)) << "nothing needs the arrow " << from << " -> " << to;
    }
  }
}

TEST(IncludeDirection, ProgramsNeverIncludeEachOther) {
  for (const Include& include : read_includes()) {
    if (!include.ours) continue;
    const std::string from = include.file.substr(0, include.file.find('/'));
    const std::string to = include.header.substr(0, include.header.find('/'));
    EXPECT_TRUE(to == "proto" || to == from) << include.file << " includes " << include.header;
  }
}

TEST(IncludeDirection, RoomsHaveNoCycle) {
  const Allowed allowed = read_allowed();
  std::map<std::string, int> state;  // 1: on the way, 2: done
  const auto visit = [&](const auto& self, const std::string& room) -> void {
    if (state[room] == 2) return;
    ASSERT_NE(state[room], 1) << "the arrows run in a circle through " << room;
    state[room] = 1;
    if (const auto arrow = allowed.arrows.find(room); arrow != allowed.arrows.end()) {
      for (const std::string& next : arrow->second) self(self, next);
    }
    state[room] = 2;
  };
  for (const auto& [room, targets] : allowed.arrows) visit(visit, room);
}

TEST(IncludeDirection, OnlyShellsTouchTheSystem) {
  const Allowed allowed = read_allowed();
  for (const Include& include : read_includes()) {
    if (include.ours || !is_system(include.header)) continue;
    const bool shell = std::ranges::any_of(
        allowed.shells, [&](const std::string& pattern) { return matches(pattern, include.file); });
    const auto excepted = allowed.system.find(room_of(include.file));
    EXPECT_TRUE(
        shell || (excepted != allowed.system.end() && excepted->second.contains(include.header)))
        << include.file << " is in a pure room and includes <" << include.header << ">";
  }
}

}  // namespace
