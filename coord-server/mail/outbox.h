// Mails on their way to the server that takes them (a relay, by SMTP): put in by whoever has
// something to write, taken out one at a time by the shell that sends, which says what came of it.
//
//   outbox.put(letter, now)       composed now; refused where too many went the same way lately
//   outbox.take_due(now)          what is to be sent; take_result() is told what came of it
//
// A server that cannot be reached, or that says "later" (4xx), is tried four more times over half
// an hour; a mail that it refuses (5xx) is given up at once, and a trial in any case. Nothing of
// this is kept over a restart: what was not sent by then has to be sent anew.
//
// Pure. One thread.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>

#include "coord-server/mail/letters.h"
#include "coord-server/mail/message.h"
#include "proto/base/result.h"
#include "proto/base/rng.h"
#include "proto/base/strong_id.h"

namespace aya::mail {

using MailId = StrongId<struct MailTag, std::uint64_t>;

struct Outgoing {
  MailId id;
  std::string from, to;  // addresses
  std::string message;
};

// The words with which the server took it, or why it did not.
struct NotTaken {
  int code = 0;  // of the server's answer; 0: there was none
  std::string why;
};
using Attempt = Result<std::string, NotTaken>;

class Outbox {
 public:
  static constexpr std::array<std::chrono::seconds, 4> kTryAgainAfter = {
      std::chrono::seconds(10), std::chrono::minutes(1), std::chrono::minutes(5),
      std::chrono::minutes(25)};
  static constexpr std::size_t kMostWaiting = 500;
  // Within an hour: about one thing to one address, to one address, of one network, and in all.
  static constexpr std::size_t kMostAboutOne = 3, kMostToOne = 10, kMostOfAccount = 150,
                               kMostInAll = 500;

  struct Refusal {
    enum class Why { NoSender, NoAddress, TooOften, Full } why;
    std::chrono::seconds wait{0};  // when it is too often
  };
  struct Counters {
    std::uint64_t sent = 0, given_up = 0;
  };

  // Without a sender nothing is sent. `rng` outlives this.
  Outbox(std::optional<Mailbox> sender, Rng& rng) : sender_(std::move(sender)), rng_(rng) {}

  bool is_open() const { return sender_.has_value(); }

  Result<MailId, Refusal> put(Letter letter, WallTime now);
  // What put() would say to a letter of that purpose, address and account.
  std::optional<Refusal> would_refuse(const Letter& letter, WallTime now);
  // Is a mail about this on its way?
  bool has(const Purpose& purpose) const;
  // Forgets all but these. What is being sent at this moment goes out all the same.
  void keep_only(const std::function<bool(const Purpose&)>& stands);

  std::optional<Outgoing> take_due(WallTime now);
  struct Outcome {
    enum class Fate { Sent, LaterAgain, GivenUp } fate;
    Purpose purpose;
    std::string to;
  };
  // Of what take_due() gave out.
  Outcome take_result(MailId id, const Attempt& attempt, WallTime now);
  std::optional<WallTime> next_due() const;

  const Counters& counters() const { return counters_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Entry {
    MailId id;
    Purpose purpose;
    std::string to;
    std::string message;
    WallTime not_before{};
    std::size_t failures = 0;
    bool under_way = false;
  };
  struct Recent {
    WallTime at{};
    Purpose purpose;
    std::string to;  // in small letters
    store::AccountId account;
  };
  bool is_under_way() const;
  // How long until one more may go; zero: now.
  std::chrono::seconds wait_for(const Letter& letter, WallTime now);

  std::optional<Mailbox> sender_;
  Rng& rng_;
  std::uint64_t last_id_ = 0;
  std::deque<Entry> waiting_;  // in order
  std::deque<Recent> recent_;  // of the last hour, oldest first
  Counters counters_;
};

}  // namespace aya::mail
