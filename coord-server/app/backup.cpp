#include "coord-server/app/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "coord-server/app/files.h"
#include "coord-server/store/sqlite_backup.h"

namespace aya::coord {
namespace {

namespace fs = std::filesystem;

// Which files besides the database; a certificate from elsewhere is somebody else's to keep.
constexpr std::array<std::string_view, 3> kFiles = {"config", "cert.pem", "key.pem"};

std::string pending(const std::string& dir) { return dir + "/restore.db"; }
std::string database_in(const std::string& dir) { return dir + "/coord.db"; }
std::string former_in(const std::string& dir) { return database_in(dir) + ".before-restore"; }

StartError store_error(const store::StoreError& why) { return {why.to_text()}; }

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Renames are on the disk.
Result<void, StartError> sync_folder(const std::string& dir) {
  const int folder = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return file_error("use", dir, errno);
  const int done = ::fsync(folder);
  const int why = errno;
  ::close(folder);
  if (done != 0) return file_error("write", dir, why);
  return {};
}

Result<void, StartError> write_missing(
    const store::Attachments& attachments, const std::string& dir) {
  for (const std::string_view name : kFiles) {
    const auto kept = attachments.find(std::string(name));
    const std::string path = dir + '/' + std::string(name);
    if (kept == attachments.end() || is_there(path)) continue;
    auto made = create_file(path, kept->second, name == "cert.pem" ? 0644 : 0600);
    if (!made) return made;
  }
  return {};
}

}  // namespace

Result<void, StartError> back_up_installation(
    const Installation& installation, const std::string& file) {
  store::Attachments attachments;
  for (const std::string_view name : kFiles) {
    const std::string path = installation.dir + '/' + std::string(name);
    if (!is_there(path)) continue;
    auto text = read_file(path);
    if (!text) return text.error();
    attachments.emplace(name, std::move(*text));
  }
  auto done = store::back_up(installation.database(), file, attachments);
  if (!done) return store_error(done.error());
  // Whoever trusts a backup should not find out later.
  if (auto sound = store::check_backup(file); !sound) return store_error(sound.error());
  return {};
}

Result<void, StartError> check_database(const Installation& installation) {
  auto sound = store::check_backup(installation.database());
  if (!sound) return store_error(sound.error());
  return {};
}

Result<void, StartError> lay_down_restore(const std::string& file, const std::string& dir) {
  auto attachments = store::check_backup(file);
  if (!attachments) return store_error(attachments.error());
  const bool complete = attachments->contains("config") || is_there(dir + "/config");
  if (!complete) {
    return StartError{
        file + " holds a database alone; make a server in " + dir +
        " with init first, then restore into it"};
  }
  std::error_code failed;
  if (!is_there(dir)) {
    fs::create_directories(dir, failed);
    if (!failed) fs::permissions(dir, fs::perms::owner_all, failed);
    if (failed) return file_error("make", dir, failed.value());
  }
  const std::string half = pending(dir) + ".new";
  fs::remove(half, failed);
  fs::remove(pending(dir), failed);
  if (auto copied = store::back_up(file, half, {}); !copied) return store_error(copied.error());
  if (auto written = write_missing(*attachments, dir); !written) return written;
  if (::rename(half.c_str(), pending(dir).c_str()) != 0)
    return file_error("write", pending(dir), errno);
  return sync_folder(dir);
}

Result<bool, StartError> apply_restore(const std::string& dir) {
  if (!is_there(pending(dir))) return false;
  if (auto sound = store::check_backup(pending(dir)); !sound) return store_error(sound.error());
  std::error_code ignored;
  if (is_there(database_in(dir))) {
    fs::remove(former_in(dir), ignored);
    auto kept = store::back_up(database_in(dir), former_in(dir), {});
    // One that is broken is what restoring is for.
    if (!kept && kept.error().kind != store::StoreError::Kind::Damaged)
      return store_error(kept.error());
    if (!kept) {
      for (const char* companion : {"", "-wal", "-shm"})
        fs::rename(database_in(dir) + companion, former_in(dir) + companion, ignored);
    }
  }
  auto done = store::restore_backup(pending(dir), database_in(dir));
  if (!done) return store_error(done.error());
  if (::unlink(pending(dir).c_str()) != 0) return file_error("remove", pending(dir), errno);
  if (auto synced = sync_folder(dir); !synced) return synced.error();
  return true;
}

}  // namespace aya::coord
