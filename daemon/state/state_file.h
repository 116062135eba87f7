// StateFile is one small file that is replaced as a whole, or not at all.
//
// save() writes a neighbour with mode 0600, flushes it, renames it over the file and flushes the
// folder: whatever moment the power fails, a reader finds the old or the new content. A neighbour
// left by a crash is overwritten by the next save.
//
// Blocks on the disk. One thread and one process: open() takes a lock that lives as long as the
// object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/state/state_error.h"
#include "proto/base/result.h"

namespace aya::state {

// `text` in place of whatever was at `path`, as above. Mode 0600.
Result<void, StateError> write_file_atomically(const std::string& path, std::string_view text);

// The whole file; nullopt if there is none.
Result<std::optional<std::string>, StateError> read_file(const std::string& path);

// Makes the folder (and its parents) with mode 0700 where it is missing. A folder that others may
// write to is refused: they could swap the keys under us (os-integration 1.10).
Result<void, StateError> prepare_state_folder(const std::string& path);

class StateFile {
 public:
  // Prepares the folder and locks it against a second daemon ("<path>.lock").
  static Result<StateFile, StateError> open(std::string path);
  ~StateFile();
  StateFile(StateFile&& other) noexcept;
  StateFile& operator=(StateFile&&) = delete;

  const std::string& path() const { return path_; }
  Result<std::optional<std::string>, StateError> load() const { return read_file(path_); }
  Result<void, StateError> save(std::string_view text) const {
    return write_file_atomically(path_, text);
  }
  // Renames the file to "<path>.corrupt-<n>" with the first free n, and says where it is now.
  Result<std::string, StateError> set_aside() const;

 private:
  StateFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
};

}  // namespace aya::state
