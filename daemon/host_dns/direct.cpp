#include "daemon/host_dns/direct.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/host_dns/files.h"
#include "daemon/os/child.h"
#include "proto/base/hex.h"
#include "proto/crypto/sha256.h"

namespace aya::host_dns {
namespace {

using os::OsError;

constexpr std::string_view kBesideSuffix = ".ayatori-backup";
constexpr Duration kRelabelLimit = 2s;

std::string beside(const Places& places) { return places.resolv_conf + std::string(kBesideSuffix); }
std::string in_state_folder(const Places& places) {
  return places.state_dir + "/resolv.conf.before";
}

std::string digest(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

// Under SELinux a new file has the wrong label for programs that are locked in.
void relabel(const std::string& path) {
  const auto enforcing = read_text("/sys/fs/selinux/enforce");
  if (!enforcing || !*enforcing || !(*enforcing)->starts_with('1')) return;
  const auto program = os::find_program("restorecon");
  if (program) (void)os::run_child({*program, {path}, {}, kRelabelLimit});
}

// The paths where a backup may be: the journal's, else both.
std::vector<std::string> backups(const Places& places, const std::optional<Journal>& journal) {
  if (journal && journal->mode == Mode::Direct && !journal->backup.empty()) {
    return {journal->backup};
  }
  return {beside(places), in_state_folder(places)};
}

Result<void, OsError> drop_backups(const Places& places, const std::optional<Journal>& journal) {
  for (const std::string& path : backups(places, journal)) {
    if (auto gone = remove_file(path); !gone) return gone;
  }
  return remove_journal(places.state_dir);
}

// A crash while a mount was overwritten leaves it empty or cut short.
bool is_ours(std::string_view text, const std::optional<Journal>& journal) {
  return find_marker(text).has_value() || (text.empty() && journal && journal->in_place);
}

Result<void, OsError> put_back(const Places& places, const std::string& backup, bool in_place) {
  if (folder_of(backup) == folder_of(places.resolv_conf) && !in_place) {
    return rename_file(backup, places.resolv_conf);
  }
  const auto text = read_text(backup);
  if (!text) return text.error();
  const auto kind = kind_of(backup);
  if (!kind) return kind.error();
  auto done = in_place ? overwrite_file(places.resolv_conf, text->value_or(""))
                       : replace_file(places.resolv_conf, text->value_or(""), kind->owner);
  if (!done) return done;
  return remove_file(backup);
}

}  // namespace

Direct::Direct(Places places, const Evidence& evidence)
    : places_(std::move(places)),
      base_(parse_resolv_conf(evidence.resolv_conf.value_or(""))),
      in_place_(evidence.mounted) {}

std::string Direct::backup_path() const {
  return in_place_ ? in_state_folder(places_) : beside(places_);
}

Result<void, OsError> Direct::apply(const Wanted& wanted) {
  if (!kept_) {
    if (auto kept = keep_what_is_there(); !kept) return kept;
  }
  return write(wanted);
}

Result<void, OsError> Direct::keep_what_is_there() {
  // What could not be put back is ours still, and its backup the host's.
  const auto now = read_text(places_.resolv_conf);
  const auto before = read_journal(places_.state_dir);
  if (now && *now && find_marker(**now) && before && before->mode == Mode::Direct) {
    const auto text = read_text(before->backup);
    if (text) base_ = parse_resolv_conf(text->value_or(""));
    in_place_ = before->in_place;
    kept_ = before;
    return {};
  }
  const auto kind = kind_of(places_.resolv_conf);
  if (!kind) return kind.error();
  Journal journal;
  journal.mode = Mode::Direct;
  journal.link = places_.link;
  journal.in_place = in_place_;
  journal.backup = backup_path();

  Result<void, OsError> copied;
  switch (kind->kind) {
    case FileKind::Kind::Missing:
      journal.was = Journal::Was::Missing;
      copied = remove_file(journal.backup);  // an old one would be restored
      break;
    case FileKind::Kind::Link:
      journal.was = Journal::Was::Link;
      copied = replace_link(journal.backup, kind->target);
      break;
    case FileKind::Kind::Regular: {
      const auto text = read_text(places_.resolv_conf);
      if (!text) return text.error();
      journal.was = Journal::Was::Regular;
      journal.sha256 = digest(text->value_or(""));
      copied = replace_file(journal.backup, text->value_or(""), kind->owner);
      break;
    }
    case FileKind::Kind::Other:
      return OsError{0, places_.resolv_conf + " is neither a file nor a link", "remove it"};
  }
  if (!copied) return copied;
  if (auto noted = write_journal(places_.state_dir, journal); !noted) return noted;
  kept_ = std::move(journal);
  return {};
}

Result<void, OsError> Direct::write(const Wanted& wanted) {
  const bool was_there = kept_->was != Journal::Was::Missing;
  std::string text =
      render_resolv_conf(wanted, base_, {::getpid(), boot_id()}, kept_->backup, was_there);
  Result<void, OsError> done = in_place_ ? overwrite_file(places_.resolv_conf, text)
                                         : replace_file(places_.resolv_conf, text);
  const bool is_mount =
      !done && !in_place_ && (done.error().code == EBUSY || done.error().code == EXDEV);
  if (is_mount) {
    // A kernel that does not tell mounts from files. What was copied beside it stays there.
    in_place_ = kept_->in_place = true;
    if (auto noted = write_journal(places_.state_dir, *kept_); !noted) return noted;
    done = overwrite_file(places_.resolv_conf, text);
  }
  if (!done) return done;
  relabel(places_.resolv_conf);
  applied_ = wanted;
  written_ = std::move(text);
  return {};
}

Result<void, OsError> Direct::restore() {
  applied_.reset();
  if (!kept_) return {};
  const auto done = restore_resolv_conf(places_, kept_);
  if (!done) return done.error();
  kept_.reset();
  return {};
}

Result<void, OsError> Direct::abandon() {
  applied_.reset();
  if (!kept_) return {};
  return drop_backups(places_, std::exchange(kept_, std::nullopt));
}

void Direct::add_watches(Watch& watch) const {
  if (in_place_) {
    watch.add_mount(places_.resolv_conf);
  } else {
    watch.add_file(places_.resolv_conf);
  }
  if (!kept_ || kept_->was != Journal::Was::Link) return;
  // Whoever manages what the link leads to goes on doing so.
  const auto kind = kind_of(kept_->backup);
  if (!kind || kind->target.empty()) return;
  watch.add_file(
      kind->target.starts_with('/') ? kind->target
                                    : folder_of(places_.resolv_conf) + "/" + kind->target);
}

Result<Backend::News, OsError> Direct::look() {
  if (!applied_) return News::None;
  const auto text = read_text(places_.resolv_conf);
  if (!text) return text.error();
  if (*text && !find_marker(**text)) return News::Foreign;
  if (!*text || **text != written_) {
    // Deleted, or edited behind our head: that is nobody's configuration.
    if (auto again = write(*std::exchange(applied_, std::nullopt)); !again) return again.error();
    return News::None;
  }
  if (kept_->was != Journal::Was::Link) return News::None;
  const auto behind = read_text(kept_->backup);
  if (!behind) return behind.error();
  Base base = parse_resolv_conf(behind->value_or(""));
  if (!*behind || base == base_) return News::None;
  base_ = std::move(base);
  if (auto again = write(*std::exchange(applied_, std::nullopt)); !again) return again.error();
  return News::BaseChanged;
}

Result<PutBack, OsError> restore_resolv_conf(
    const Places& places, const std::optional<Journal>& journal) {
  const bool noted = journal && journal->mode == Mode::Direct;
  const auto now = read_text(places.resolv_conf);
  if (!now) return now.error();
  if (!*now || !is_ours(**now, noted ? journal : std::nullopt)) {
    auto dropped = drop_backups(places, journal);
    if (!dropped) return dropped.error();
    return PutBack{};
  }
  for (const std::string& backup : backups(places, journal)) {
    const auto kind = kind_of(backup);
    if (!kind) return kind.error();
    if (kind->kind == FileKind::Kind::Missing) continue;
    // Without the journal a backup in the state folder says that the file was a mount.
    const bool in_place = noted ? journal->in_place : backup == in_state_folder(places);
    PutBack out{.was_ours = true};
    if (noted && journal->was == Journal::Was::Regular) {
      const auto text = read_text(backup);
      if (!text) return text.error();
      out.backup_was_changed = digest(text->value_or("")) != journal->sha256;
    }
    if (auto done = put_back(places, backup, in_place); !done) return done.error();
    relabel(places.resolv_conf);
    if (auto gone = remove_journal(places.state_dir); !gone) return gone.error();
    return out;
  }
  const bool was_missing =
      (noted && journal->was == Journal::Was::Missing) || says_was_missing(**now);
  if (!was_missing) {
    return OsError{
        0, places.resolv_conf + " is ours, and what it was before is gone",
        "write one that names the network's DNS server"};
  }
  if (auto gone = remove_file(places.resolv_conf); !gone) return gone.error();
  if (auto gone = remove_journal(places.state_dir); !gone) return gone.error();
  return PutBack{.was_ours = true};
}

}  // namespace aya::host_dns
