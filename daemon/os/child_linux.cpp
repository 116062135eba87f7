#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "daemon/os/child.h"
#include "daemon/os/owned_fd.h"
#include "proto/base/scope_exit.h"

namespace aya::os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array kFolders{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};
// Scripts call other programs by name; messages are to be read by us.
constexpr std::array kEnvironment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
constexpr std::size_t kMaxOutput = 1 << 20;
constexpr int kTickMs = 5;  // how late the end of a silent program may be seen

struct Pipe {
  OwnedFd read, write;

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = OwnedFd(ends[0]);
    write = OwnedFd(ends[1]);
    return true;
  }
};

void close_now(OwnedFd& fd) { OwnedFd(std::move(fd)); }

void never_block(const OwnedFd& fd) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// A program that ends without reading its input must not end us.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    const timespec at_once{};
    while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
};

class Conversation {
 public:
  Conversation(const ChildCommand& command, pid_t pid, OwnedFd in, OwnedFd out, OwnedFd err)
      : left_(command.input),
        until_(Clock::now() + command.limit),
        pid_(pid),
        in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)) {
    for (const OwnedFd* fd : {&in_, &out_, &err_}) never_block(*fd);
  }

  ChildOutcome run() {
    const WithoutSigpipe guard;
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      exchange();
      if (ended == pid_) return finish(status);
      if (!outcome_.timed_out && Clock::now() > until_) {
        outcome_.timed_out = true;
        ::kill(-pid_, SIGKILL);
      }
      wait();
    }
  }

 private:
  void exchange() {
    write_input();
    read_all(out_, outcome_.out);
    read_all(err_, outcome_.err);
  }

  void write_input() {
    while (in_ && !left_.empty()) {
      const ssize_t put = ::write(in_.get(), left_.data(), left_.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno == EAGAIN) return;
      if (put < 0) break;  // it does not want to know
      left_.remove_prefix(static_cast<std::size_t>(put));
    }
    close_now(in_);
  }

  static void read_all(OwnedFd& from, std::string& into) {
    std::array<char, 4096> piece;
    while (from) {
      const ssize_t got = ::read(from.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return close_now(from);
      into.append(piece.data(), std::min<std::size_t>(got, kMaxOutput - into.size()));
    }
  }

  void wait() {
    std::array<pollfd, 3> fds{{
        {in_.get(), POLLOUT, 0},  // a negative descriptor is passed over
        {out_.get(), POLLIN, 0},
        {err_.get(), POLLIN, 0},
    }};
    ::poll(fds.data(), fds.size(), kTickMs);
  }

  ChildOutcome finish(int status) {
    outcome_.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return std::move(outcome_);
  }

  std::string_view left_;
  const Clock::time_point until_;
  const pid_t pid_;
  OwnedFd in_, out_, err_;
  ChildOutcome outcome_;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::string ChildOutcome::complaint() const {
  if (timed_out) return "no answer in time";
  const std::size_t begin = err.find_first_not_of(" \n");
  if (begin != std::string::npos) return err.substr(begin, err.find('\n', begin) - begin);
  return "exit status " + std::to_string(exit_status);
}

std::optional<std::string> find_program(std::string_view name) {
  for (const char* folder : kFolders) {
    std::string path = folder + std::string(name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

Result<ChildOutcome, OsError> run_child(const ChildCommand& command) {
  const std::string doing = "run " + command.program;
  Pipe in, out, err;
  if (!in.open() || !out.open() || !err.open()) return last_error(doing);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const ScopeExit forget_files([&] { posix_spawn_file_actions_destroy(&files); });
  posix_spawn_file_actions_adddup2(&files, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.write.get(), STDERR_FILENO);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const ScopeExit forget_attributes([&] { posix_spawnattr_destroy(&attributes); });
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  const std::vector<std::string> environment(kEnvironment.begin(), kEnvironment.end());
  pid_t pid = 0;
  const int failed = ::posix_spawn(
      &pid, command.program.c_str(), &files, &attributes, pointers(words).data(),
      pointers(environment).data());
  if (failed != 0) return OsError{failed, doing, {}};

  close_now(in.read);
  close_now(out.write);
  close_now(err.write);
  return Conversation(command, pid, std::move(in.write), std::move(out.read), std::move(err.read))
      .run();
}

}  // namespace aya::os
