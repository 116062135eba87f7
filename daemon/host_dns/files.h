// Small text files of the host, written so that a killed program or a power cut leaves the old or
// the new one. Blocks on the disk.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"

namespace aya::host_dns {

struct FileOwner {
  mode_t mode = 0644;
  uid_t user = 0;
  gid_t group = 0;
};

// What a path names, without following it.
struct FileKind {
  enum class Kind { Missing, Regular, Link, Other };
  Kind kind = Kind::Missing;
  std::string target;  // of a symbolic link
  FileOwner owner;     // of a regular file
};
Result<FileKind, os::OsError> kind_of(const std::string& path);

// Follows links. nullopt: no such file.
Result<std::optional<std::string>, os::OsError> read_text(const std::string& path);

// A new file takes the path's place.
Result<void, os::OsError> replace_file(
    const std::string& path, std::string_view text, const FileOwner& owner = {});
Result<void, os::OsError> replace_link(const std::string& path, const std::string& target);
// The file stays the same one: a mount point cannot be replaced.
Result<void, os::OsError> overwrite_file(const std::string& path, std::string_view text);
Result<void, os::OsError> rename_file(const std::string& from, const std::string& to);
Result<void, os::OsError> remove_file(const std::string& path);  // also where there is none

std::string folder_of(std::string_view path);
std::string name_of(std::string_view path);
std::string boot_id();

}  // namespace aya::host_dns
