#include "coord-server/app/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proto/base/scope_exit.h"

namespace aya::coord {

StartError file_error(const std::string& doing, const std::string& path, int error) {
  std::string text = "cannot " + doing + ' ' + path + ": ";
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return {text + "the disk is full; free some space and try again"};
    case EACCES:
    case EPERM:
      return {text + "permission denied; run this as root, or as the owner of that folder"};
    case ENOENT:
      return {text + "it is not there"};
    case EROFS:
      return {text + "the file system is read-only; choose another folder with --dir"};
    default:
      return {text + std::strerror(error)};
  }
}

Result<std::string, StartError> read_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return file_error("read", path, errno);
  const ScopeExit closing([&] { ::close(file); });
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t count = ::read(file, piece, sizeof piece);
    if (count == 0) return text;
    if (count > 0) {
      text.append(piece, static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return file_error("read", path, errno);
    }
  }
}

Result<void, StartError> create_file(const std::string& path, std::string_view text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return file_error("write", path, errno);
  const ScopeExit closing([&] { ::close(file); });
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return file_error("write", path, errno);
    }
  }
  if (::fsync(file) != 0) return file_error("write", path, errno);
  return {};
}

}  // namespace aya::coord
