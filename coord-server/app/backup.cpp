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

std::string path_of(std::string_view name, const Places& places) {
  return name == "config" ? places.config : places.state + '/' + std::string(name);
}
std::string pending(const Places& places) { return places.state + "/restore.db"; }
std::string former(const Places& places) { return places.database() + ".before-restore"; }

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
    const store::Attachments& attachments, const Places& places) {
  for (const std::string_view name : kFiles) {
    const auto kept = attachments.find(std::string(name));
    const std::string path = path_of(name, places);
    if (kept == attachments.end() || is_there(path)) continue;
    std::error_code failed;
    fs::create_directories(fs::path(path).parent_path(), failed);
    if (failed) return file_error("make", path, failed.value());
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
    const std::string path = path_of(name, installation.places);
    if (!is_there(path)) continue;
    auto text = read_file(path);
    if (!text) return text.error();
    attachments.emplace(name, std::move(*text));
  }
  auto done = store::back_up(installation.places.database(), file, attachments);
  if (!done) return store_error(done.error());
  // Whoever trusts a backup should not find out later.
  if (auto sound = store::check_backup(file); !sound) return store_error(sound.error());
  return {};
}

Result<void, StartError> check_database(const Installation& installation) {
  auto sound = store::check_backup(installation.places.database());
  if (!sound) return store_error(sound.error());
  return {};
}

Result<void, StartError> lay_down_restore(const std::string& file, const Places& places) {
  auto attachments = store::check_backup(file);
  if (!attachments) return store_error(attachments.error());
  const bool complete = attachments->contains("config") || is_there(places.config);
  if (!complete) {
    return StartError{
        file + " holds a database alone; make a server in " + places.state +
        " with init first, then restore into it"};
  }
  const std::string& dir = places.state;
  std::error_code failed;
  if (!is_there(dir)) {
    fs::create_directories(dir, failed);
    if (!failed) fs::permissions(dir, fs::perms::owner_all, failed);
    if (failed) return file_error("make", dir, failed.value());
  }
  const std::string half = pending(places) + ".new";
  fs::remove(half, failed);
  fs::remove(pending(places), failed);
  if (auto copied = store::back_up(file, half, {}); !copied) return store_error(copied.error());
  if (auto written = write_missing(*attachments, places); !written) return written;
  if (::rename(half.c_str(), pending(places).c_str()) != 0)
    return file_error("write", pending(places), errno);
  return sync_folder(dir);
}

Result<bool, StartError> apply_restore(const Places& places) {
  const std::string laid = pending(places), database = places.database(), kept_in = former(places);
  if (!is_there(laid)) return false;
  if (auto sound = store::check_backup(laid); !sound) return store_error(sound.error());
  std::error_code ignored;
  if (is_there(database)) {
    fs::remove(kept_in, ignored);
    auto kept = store::back_up(database, kept_in, {});
    // One that is broken is what restoring is for.
    if (!kept && kept.error().kind != store::StoreError::Kind::Damaged)
      return store_error(kept.error());
    if (!kept) {
      for (const char* companion : {"", "-wal", "-shm"})
        fs::rename(database + companion, kept_in + companion, ignored);
    }
  }
  auto done = store::restore_backup(laid, database);
  if (!done) return store_error(done.error());
  if (::unlink(laid.c_str()) != 0) return file_error("remove", laid, errno);
  if (auto synced = sync_folder(places.state); !synced) return synced.error();
  return true;
}

}  // namespace aya::coord
