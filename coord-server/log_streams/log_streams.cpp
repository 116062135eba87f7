#include "coord-server/log_streams/log_streams.h"

#include <algorithm>

namespace aya::log_streams {
namespace {

constexpr int kTooLarge = 413;

// Shorter ones are told as they happen; many nodes tell of flows all the time, and some seconds of
// it travel together.
constexpr auto kGatherFlows = std::chrono::seconds(5);

Duration pause_of(const LogStream& stream) {
  const Duration wished = upload_period(stream.to);
  return stream.log == kNetwork ? std::max<Duration>(wished, kGatherFlows) : wished;
}

}  // namespace

Stored<std::unique_ptr<LogStreams>> LogStreams::load(
    const nodes::Registry& registry, store::Store& storage) {
  std::unique_ptr<LogStreams> streams(new LogStreams(registry, storage));
  auto rows = storage.log_streams();
  if (!rows) return rows.error();
  for (LogStream& row : *rows) {
    Entry& entry = streams->entries_[row.id];
    entry.read_up_to = row.told_line;
    entry.stream = std::move(row);
  }
  return streams;
}

const LogStream* LogStreams::find(store::AccountId account, std::string_view log) const {
  for (const auto& [id, entry] : entries_) {
    if (entry.stream.account == account && entry.stream.log == log) return &entry.stream;
  }
  return nullptr;
}

LogStreams::State LogStreams::state(const LogStream& stream, WallTime now) const {
  State out;
  const auto found = entries_.find(stream.id);
  if (found == entries_.end()) return out;
  const Entry& entry = found->second;
  out.collected = stream.log == kConfiguration ||
                  registry_.account(stream.account)->settings.flow_logging;
  out.trouble = undeliverable(stream.to);
  if (out.trouble.empty()) out.trouble = entry.attempts.trouble();
  out.bytes_rate = entry.bytes.per_second(now);
  out.entries_rate = entry.entries.per_second(now);
  out.requests_rate = entry.requests.per_second(now);
  out.failed_rate = entry.failed.per_second(now);
  return out;
}

Stored<void> LogStreams::set(
    store::AccountId account, std::string_view log, LogDestination to,
    const store::AuditEntry& audit) {
  const LogStream* known = find(account, log);
  if (known == nullptr) {
    LogStream fresh;
    fresh.account = account;
    fresh.log = log;
    fresh.to = std::move(to);
    fresh.told_line = newest(fresh);
    auto made = storage_.create_log_stream(std::move(fresh), audit);
    if (!made) return made.error();
    Entry& entry = entries_[made->id];
    entry.read_up_to = made->told_line;
    entry.stream = std::move(*made);
    return {};
  }
  LogStream changed = *known;
  changed.to = std::move(to);
  if (auto stored = storage_.update_log_stream(changed, audit); !stored) return stored;
  Entry& entry = entries_.at(changed.id);
  entry.stream = std::move(changed);
  entry.most_lines = kMostInUpload;
  entry.attempts.try_at_once();
  return {};
}

Stored<void> LogStreams::remove(const LogStream& stream, const store::AuditEntry& audit) {
  const LogStreamId id = stream.id;
  if (auto gone = storage_.remove_log_stream(id, audit); !gone) return gone;
  entries_.erase(id);
  return {};
}

std::int64_t LogStreams::newest(const LogStream& stream) const {
  return stream.log == kNetwork ? storage_.newest_flow() : storage_.newest_audit_line();
}

// When something that may be there is to be sent.
std::optional<WallTime> LogStreams::due(const Entry& entry) const {
  if (entry.read_up_to >= newest(entry.stream) || !undeliverable(entry.stream.to).empty()) {
    return std::nullopt;
  }
  const auto next = entry.attempts.next();
  if (!next || !entry.stream.last_sent || !entry.sent.all) return next;
  return std::max<WallTime>(*next, *entry.stream.last_sent + pause_of(entry.stream));
}

// The store has done so.
void LogStreams::forget_accounts() {
  std::erase_if(entries_, [&](const auto& entry) {
    return registry_.account(entry.second.stream.account) == nullptr;
  });
}

Stored<LogStreams::Unsent> LogStreams::unsent(const Entry& entry) const {
  const LogStream& stream = entry.stream;
  Unsent out;
  std::size_t bytes = 0;
  if (stream.log == kNetwork) {
    auto rows = storage_.flows_after(
        stream.account, stream.told_line, entry.most_lines, kMostBytesRead);
    if (!rows) return rows.error();
    for (const store::FlowRow& row : *rows) {
      out.lines.push_back(line_of(row));
      bytes += row.window.size();
    }
  } else {
    auto lines = storage_.audit_of_after(stream.account, stream.told_line, entry.most_lines);
    if (!lines) return lines.error();
    for (const store::AuditLine& line : *lines) {
      out.lines.push_back(line_of(line, longest_event(stream.to)));
    }
  }
  out.all = out.lines.size() < entry.most_lines && bytes < kMostBytesRead / 2;
  return out;
}

Stored<std::optional<delivery::Post>> LogStreams::next_upload(Entry& entry, WallTime now) {
  const LogStream& stream = entry.stream;
  const std::int64_t last = newest(stream);
  auto found = unsent(entry);
  if (!found) return found.error();
  const std::vector<LogLine>& lines = found->lines;
  if (lines.empty()) {  // what was written is of other accounts
    entry.read_up_to = last;
    return std::optional<delivery::Post>();
  }
  const std::string& tailnet = registry_.account(stream.account)->name;
  Upload upload = make_upload(stream.to, stream.log, tailnet, lines, now);
  entry.sent.last_line = lines[upload.lines - 1].number;
  entry.sent.lines = upload.lines;
  entry.sent.bytes = upload.message.body.size();
  entry.sent.all = upload.lines == lines.size() && found->all;
  entry.attempts.begin();
  return std::optional(delivery::Post{stream.id, std::move(upload.message)});
}

Stored<void> LogStreams::take_due(WallTime now, std::vector<delivery::Post>& out) {
  forget_accounts();
  for (auto& [id, entry] : entries_) {
    const auto when = due(entry);
    if (!when || *when > now) continue;
    auto upload = next_upload(entry, now);
    if (!upload) return upload.error();
    if (*upload) out.push_back(std::move(**upload));
  }
  return {};
}

std::optional<WallTime> LogStreams::next_due() const {
  std::optional<WallTime> next;
  for (const auto& [id, entry] : entries_) {
    const auto when = due(entry);
    if (when && (!next || *when < *next)) next = when;
  }
  return next;
}

Stored<void> LogStreams::take_result(
    LogStreamId id, const delivery::Outcome& outcome, WallTime now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.attempts.under_way()) return {};
  Entry& entry = found->second;
  LogStream& stream = entry.stream;
  const bool taken = entry.attempts.end(refusal_in(stream.to, outcome), now);
  const auto lines = static_cast<double>(entry.sent.lines);
  ++stream.requests;
  entry.requests.add(1, now);
  if (!taken) {
    ++stream.failed_requests;
    entry.failed.add(1, now);
    // A receiver's limit may be lower than ours.
    const bool too_large = outcome && outcome->status == kTooLarge;
    if (too_large) entry.most_lines = std::max<std::size_t>(entry.sent.lines / 2, 1);
    return storage_.note_streamed(stream);
  }
  stream.told_line = entry.read_up_to = entry.sent.last_line;
  stream.last_sent = now;
  stream.entries += entry.sent.lines;
  stream.bytes += entry.sent.bytes;
  stream.longest_body = std::max<std::uint64_t>(stream.longest_body, entry.sent.bytes);
  entry.entries.add(lines, now);
  entry.bytes.add(static_cast<double>(entry.sent.bytes), now);
  return storage_.note_streamed(stream);
}

}  // namespace aya::log_streams
