// Sends an account's logs, of changes and of flows, to where its administrators want them, as they
// grow (interfaces 1.11).
//
//   log_streams.take_due(now)      requests to be made now; what came of each goes to take_result()
//
// Entries arrive in their order. How far a stream has got is kept with it, and moves when a
// receiver has taken something: nothing is ever left out, however long the server or the receiver
// was away; what was being sent when the power went is sent again. Flow logs are kept for a while
// only: what is removed before a receiver takes it does not arrive.
//
// A stream of flow logs may lead where nothing can be sent from here (undeliverable()): it is kept
// and shown, as it was entered when nothing was collected, and says so.
//
// Changes go to the store first. Pure but for that. One thread.
#pragma once

#include <map>
#include <memory>

#include "coord-server/delivery/attempts.h"
#include "coord-server/log_streams/rate.h"
#include "coord-server/log_streams/upload.h"
#include "coord-server/nodes/registry.h"

namespace aya::log_streams {

using store::LogStream;
using store::LogStreamId;
using store::Stored;

class LogStreams {
 public:
  static constexpr std::size_t kMostInUpload = 500;  // entries
  static constexpr std::size_t kMostBytesRead = std::size_t{2} << 20;  // for it, of flows

  // Both outlive this.
  static Stored<std::unique_ptr<LogStreams>> load(
      const nodes::Registry& registry, store::Store& storage);

  const LogStream* find(store::AccountId account, std::string_view log) const;

  struct State {
    bool collected = false;  // is anything written to such a log?
    std::string trouble;     // of the last request, empty: it went well
    double bytes_rate = 0, entries_rate = 0, requests_rate = 0, failed_rate = 0;  // per second
  };
  State state(const LogStream& stream, WallTime now) const;

  // `to`: what fault_in() has nothing against. A new stream begins with what happens from now on;
  // one that is there goes on where it was.
  Stored<void> set(
      store::AccountId account, std::string_view log, LogDestination to,
      const store::AuditEntry& audit);
  Stored<void> remove(const LogStream& stream, const store::AuditEntry& audit);

  // What can be made is in `out` even if something else went wrong.
  Stored<void> take_due(WallTime now, std::vector<delivery::Post>& out);
  std::optional<WallTime> next_due() const;
  // The error is for the log.
  Stored<void> take_result(LogStreamId id, const delivery::Outcome& outcome, WallTime now);

 private:
  struct Sent {  // and not answered yet
    std::int64_t last_line = 0;
    std::size_t lines = 0, bytes = 0;
    bool all = true;  // that there was
  };
  struct Entry {
    LogStream stream;
    delivery::Attempts attempts{delivery::Attempts::Patience::Endless};
    Sent sent;
    std::int64_t read_up_to = 0;  // line of the log: up to it there is nothing to send
    std::size_t most_lines = kMostInUpload;
    Rate bytes, entries, requests, failed;
  };

  LogStreams(const nodes::Registry& registry, store::Store& storage)
      : registry_(registry), storage_(storage) {}
  std::int64_t newest(const LogStream& stream) const;
  struct Unsent {
    std::vector<LogLine> lines;
    bool all = true;  // that there are
  };
  Stored<Unsent> unsent(const Entry& entry) const;
  std::optional<WallTime> due(const Entry& entry) const;
  void forget_accounts();
  Stored<std::optional<delivery::Post>> next_upload(Entry& entry, WallTime now);

  const nodes::Registry& registry_;
  store::Store& storage_;
  std::map<LogStreamId, Entry> entries_;
};

}  // namespace aya::log_streams
