// Notices of change for whoever shows a network to people (interfaces 1.14, GET events), as
// server-sent events: what kind of thing changed, which one, and the version in which it did, never
// what it is now. Clients ask for that again, with their own rights.
//
//   event: hello          from here on nothing is missed: fetch everything
//   event: device         {"id":"n…","version":7}   ("removed":true for one that is gone)
//   event: path           likewise: where it is reached changed, or its relay
//   event: policy, dns    {"version":9}
//   event: audit          {"line":123}
//
// What happens to one device before the next advance() is one notice. A version means something
// until the server starts anew, which ends every stream.
//
// Pure. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coord-server/api/change_watcher.h"
#include "coord-server/mapper/map_streams.h"
#include "coord-server/nodes/registry.h"

namespace aya::serve {

class ChangeFeed final : public api::ChangeWatcher {
 public:
  static constexpr std::size_t kMostOfAccount = 32;
  static constexpr std::size_t kMost = 256;
  static constexpr Duration kSayAliveEvery = 15s;
  // Then it ends, and a client that comes back shows credentials that are looked at again.
  static constexpr Duration kLongest = std::chrono::hours(1);

  struct Effects {
    struct Text {
      mapper::StreamId to;
      std::string text;
    };
    std::vector<Text> texts;
    std::vector<mapper::StreamId> ended;  // forgotten here
    void clear() {
      texts.clear();
      ended.clear();
    }
  };

  // Both outlive this.
  ChangeFeed(const nodes::Registry& registry, store::Store& storage)
      : registry_(registry), storage_(storage) {}

  // Around the handling of one request, which may become a stream if its caller takes one.
  void begin(bool takes_stream) { accepts_ = takes_stream; }
  bool watch(store::AccountId account) override;
  // True: the request asked for it, and now is the stream of that number.
  bool end(mapper::StreamId stream, TimePoint now);

  void close(mapper::StreamId stream);

  // After every change. The error is for the log: notices about the audit log come later.
  store::Stored<void> advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  std::size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    store::AccountId account;
    TimePoint ends{};
    TimePoint alive_at{};
    bool greeted = false;
  };
  // What its streams have been told of, all of them alike.
  struct Account {
    std::size_t streams = 0;
    nodes::Version told = 0;
  };

  std::string news_of(store::AccountId account, nodes::Version since) const;
  store::Stored<std::map<store::AccountId, std::string>> audit_news();
  std::string greeting() const;
  std::size_t streams_of(store::AccountId account) const;

  const nodes::Registry& registry_;
  store::Store& storage_;
  std::map<mapper::StreamId, Stream> streams_;
  std::map<store::AccountId, Account> accounts_;  // with streams
  std::int64_t told_line_ = 0;                    // of the audit log
  bool accepts_ = false;                          // while a request is handled
  std::optional<store::AccountId> wanted_;
};

}  // namespace aya::serve
