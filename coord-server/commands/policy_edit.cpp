// The policy in the administrator's own editor. What was typed is never lost: until it is in force
// it stays in its file, and the failure names that.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "coord-server/app/files.h"
#include "coord-server/commands/policy_diff.h"
#include "coord-server/commands/policy_file.h"

namespace aya::coord {
namespace {

std::string editor() {
  for (const char* name : {"VISUAL", "EDITOR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "vi";
}

// A file only we can read, which a text editor can tell the kind of.
Result<std::string, Failure> draft_with(std::string_view text) {
  const char* place = std::getenv("TMPDIR");
  std::string path = std::string(place != nullptr && *place != '\0' ? place : "/tmp") +
                     "/ayatori-policy-XXXXXX.hujson";
  const int file = ::mkstemps(path.data(), static_cast<int>(std::strlen(".hujson")));
  if (file < 0) return Failure{Exit::Failed, file_error("write", path, errno).text};
  const ssize_t written = ::write(file, text.data(), text.size());
  const int why = errno;
  ::close(file);
  if (written == static_cast<ssize_t>(text.size())) return path;
  ::unlink(path.c_str());
  return Failure{Exit::Failed, file_error("write", path, written < 0 ? why : ENOSPC).text};
}

// By a shell, as an editor may come with arguments.
Done run_editor(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string line = editor() + " \"$1\"";
    ::execl("/bin/sh", "sh", "-c", line.c_str(), "sh", path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Failure{
      Exit::Failed,
      "the editor (" + editor() + ") failed; $EDITOR chooses another. Your text is in " + path};
}

bool asks() { return ::isatty(STDIN_FILENO) == 1; }

bool agreed(const std::string& question) {
  print_error(question + " [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Failure kept(const Failure& why, const std::string& path) {
  return {why.code, why.text + "\nnothing was changed; your text is in " + path};
}

// Until it is a policy or the person gives up.
Result<std::string, Failure> edited(const Invocation& call, const std::string& path) {
  for (;;) {
    if (auto done = run_editor(path); !done) return done.error();
    auto text = read_file(path);
    if (!text) return Failure{Exit::Failed, text.error().text};
    auto warnings = text->empty() ? Result<std::vector<std::string>, Failure>(
                                        Failure{Exit::Failed, "the policy is empty"})
                                  : check_policy(call, *text);
    if (warnings) {
      for (const std::string& line : *warnings) print_error("warning: " + line + '\n');
      return *text;
    }
    if (!asks()) return kept(warnings.error(), path);
    print_error(warnings.error().text + '\n');
    if (!agreed("Edit again?")) return kept({Exit::Failed, "given up"}, path);
  }
}

}  // namespace

Done policy_edit(const Invocation& call) {
  auto before = policy_in_force(call);
  if (!before) return before.error();
  auto path = draft_with(before->text);
  if (!path) return path.error();
  auto after = edited(call, *path);
  if (!after) return after.error();
  if (*after == before->text) {
    ::unlink(path->c_str());
    print(call.json ? json_text({{"changes", Json::array()}}) : "nothing to change\n");
    return {};
  }
  const auto changes = policy_changes(before->text, *after);
  for (const std::string& line : changes) print_error(line + '\n');
  if (changes.empty()) print_error("only comments, order or layout change\n");
  if (!call.line.has("yes")) {
    if (!asks()) return kept({Exit::Usage, "--yes is needed where nobody can be asked"}, *path);
    if (!agreed("Put this in force?")) return kept({Exit::Failed, "not put in force"}, *path);
  }
  if (auto sent = send_policy(call, *after, before->etag); !sent) {
    if (sent.error().code != Exit::Changed) return kept(sent.error(), *path);
    return kept({Exit::Changed, "somebody else changed the policy in the meantime"}, *path);
  }
  ::unlink(path->c_str());
  print(call.json ? json_text({{"changes", changes}}) : "the policy is in force\n");
  return {};
}

}  // namespace aya::coord
