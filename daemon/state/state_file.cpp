#include "daemon/state/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "proto/base/scope_exit.h"

namespace aya::state {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

StateError system_error(const std::string& path, int error) {
  using Kind = StateError::Kind;
  Kind kind = Kind::Failed;
  switch (error) {
    case EACCES:
    case EPERM:
      kind = Kind::NotPermitted;
      break;
    case ENOSPC:
    case EDQUOT:
      kind = Kind::DiskFull;
      break;
    case EROFS:
      kind = Kind::ReadOnly;
      break;
    default:
      break;
  }
  return {kind, path, std::strerror(error), {}};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// 0, or the errno of the first failure.
int write_and_flush(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

// So that the rename itself survives a power cut.
int flush_folder(const std::string& path) {
  const int fd = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return failed;
}

}  // namespace

Result<void, StateError> write_file_atomically(const std::string& path, std::string_view text) {
  const std::string neighbour = path + ".new";
  ::unlink(neighbour.c_str());  // left by a crash, perhaps with another mode
  const int fd =
      ::open(neighbour.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode);
  if (fd < 0) return system_error(path, errno);
  int failed = write_and_flush(fd, text);
  if (::close(fd) != 0 && failed == 0) failed = errno;
  if (failed == 0 && ::rename(neighbour.c_str(), path.c_str()) != 0) failed = errno;
  if (failed != 0) {
    ::unlink(neighbour.c_str());
    return system_error(path, failed);
  }
  if (const int unflushed = flush_folder(path); unflushed != 0)
    return system_error(path, unflushed);
  return {};
}

Result<std::optional<std::string>, StateError> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return system_error(path, errno);
  }
  const ScopeExit close_it([fd] { ::close(fd); });
  std::string out;
  char piece[4096];
  for (;;) {
    const ssize_t got = ::read(fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, errno);
    if (got == 0) return std::optional(std::move(out));
    out.append(piece, static_cast<std::size_t>(got));
  }
}

Result<void, StateError> prepare_state_folder(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (at != std::string::npos) ++at;
    if (::mkdir(part.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return StateError{StateError::Kind::NoFolder, part, std::strerror(errno), {}};
    }
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error(path, errno);
  if (!S_ISDIR(info.st_mode)) {
    return StateError{StateError::Kind::NoFolder, path, "there is a file of that name", {}};
  }
  // The sticky bit is no protection here: whoever may write may also put a file we are about to
  // read.
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return StateError{
        StateError::Kind::NotPermitted, path, "other users may write to this folder", {}};
  }
  return {};
}

Result<StateFile, StateError> StateFile::open(std::string path) {
  if (auto ready = prepare_state_folder(folder_of(path)); !ready) return ready.error();
  const std::string lock_path = path + ".lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (lock < 0) return system_error(lock_path, errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(lock);
    if (error == EWOULDBLOCK) return StateError{StateError::Kind::Busy, path, {}, {}};
    return system_error(lock_path, error);
  }
  return StateFile(std::move(path), lock);
}

StateFile::~StateFile() {
  if (lock_ >= 0) ::close(lock_);
}

StateFile::StateFile(StateFile&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Result<std::string, StateError> StateFile::set_aside() const {
  for (unsigned n = 1;; ++n) {
    std::string aside = path_ + ".corrupt-" + std::to_string(n);
    // link() refuses an existing name, so nothing kept earlier is ever replaced.
    if (::link(path_.c_str(), aside.c_str()) == 0) {
      if (::unlink(path_.c_str()) != 0) return system_error(path_, errno);
      return aside;
    }
    if (errno != EEXIST) return system_error(path_, errno);
  }
}

}  // namespace aya::state
