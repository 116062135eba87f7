#include "daemon/host_dns/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "daemon/os/owned_fd.h"

namespace aya::host_dns {
namespace {

using os::last_error;
using os::OsError;
using os::OwnedFd;

Result<void, OsError> write_and_flush(
    const OwnedFd& fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_error("write " + path);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  // Not every file system can; those that cannot survive nothing anyhow.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)
    return last_error("write " + path);
  return {};
}

// So that a rename survives a power cut.
void flush_folder(const std::string& path) {
  const OwnedFd folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());
}

std::string neighbour(const std::string& path) { return path + ".ayatori-new"; }

}  // namespace

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string name_of(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

Result<FileKind, OsError> kind_of(const std::string& path) {
  struct stat info {};
  FileKind out;
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return out;
    return last_error("look at " + path);
  }
  if (S_ISREG(info.st_mode)) {
    out.kind = FileKind::Kind::Regular;
    out.owner = {info.st_mode & 07777, info.st_uid, info.st_gid};
  } else if (S_ISLNK(info.st_mode)) {
    out.kind = FileKind::Kind::Link;
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0) return last_error("look at " + path);
    out.target.assign(target.data(), static_cast<std::size_t>(length));
  } else {
    out.kind = FileKind::Kind::Other;
  }
  return out;
}

Result<std::optional<std::string>, OsError> read_text(const std::string& path) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::optional<std::string>();
    return last_error("read " + path);
  }
  std::string out;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_error("read " + path);
    if (got == 0) return std::optional(std::move(out));
    out.append(piece.data(), static_cast<std::size_t>(got));
  }
}

Result<void, OsError> replace_file(
    const std::string& path, std::string_view text, const FileOwner& owner) {
  const std::string fresh = neighbour(path);
  ::unlink(fresh.c_str());  // left by a crash
  const OwnedFd fd(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return last_error("write " + path);
  auto done = write_and_flush(fd, text, path);
  // Who may not give files away owns them already.
  if (done && ::fchown(fd.get(), owner.user, owner.group) != 0 && errno != EPERM)
    done = last_error("write " + path);
  if (done && ::fchmod(fd.get(), owner.mode) != 0) done = last_error("write " + path);
  if (done) done = rename_file(fresh, path);
  if (!done) ::unlink(fresh.c_str());
  return done;
}

Result<void, OsError> replace_link(const std::string& path, const std::string& target) {
  const std::string fresh = neighbour(path);
  ::unlink(fresh.c_str());
  if (::symlink(target.c_str(), fresh.c_str()) != 0) return last_error("write " + path);
  auto done = rename_file(fresh, path);
  if (!done) ::unlink(fresh.c_str());
  return done;
}

Result<void, OsError> overwrite_file(const std::string& path, std::string_view text) {
  const OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return last_error("write " + path);
  return write_and_flush(fd, text, path);
}

Result<void, OsError> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return last_error("write " + to);
  flush_folder(to);
  return {};
}

Result<void, OsError> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return last_error("remove " + path);
  }
  flush_folder(path);
  return {};
}

std::string boot_id() {
  const auto text = read_text("/proc/sys/kernel/random/boot_id");
  if (!text || !*text) return "unknown";
  return (*text)->substr(0, (*text)->find('\n'));
}

}  // namespace aya::host_dns
