// Logins: machines that wait for a person (control 4.3, 9.2). A machine without a key is given a
// URL; whoever opens it, or reads the short code to an administrator, decides.
//
// Nothing of this is on the disk: a stranger's request costs no write. The URL is bound to the
// machine by a key of the server, so a machine that goes on waiting after a restart has its old
// place again, and an open page goes on working.
//
// Pure. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/control/register.h"
#include "proto/crypto/secret.h"

namespace aya::enroll {

struct PendingLogin {
  std::string id;    // last part of the URL; who knows it sees what is asked for
  std::string code;  // "K7QX-2MHP": what the page shows and administrators type
  MachinePublicKey machine;
  control::RegisterRequest request;
  WallTime begun{};
  bool rejected = false;
};

// A request that is kept open.
using WaiterId = StrongId<struct WaiterTag, std::uint64_t>;

class Logins {
 public:
  static constexpr auto kLifetime = std::chrono::hours(1);
  static constexpr std::size_t kMost = 2048;

  // `page`: what the id is put behind, "https://coord.example/a/".
  Logins(std::string page, const crypto::Key32& secret) : page_(std::move(page)), secret_(secret) {}

  std::string url(const PendingLogin& login) const { return page_ + login.id; }

  // The place of this machine and node key; a new one when it has none.
  const PendingLogin& begin(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);
  // The place that a URL we gave this machine stands for. nullptr: not ours, or over.
  const PendingLogin* follow(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);

  const PendingLogin* find(std::string_view id, WallTime now) const;
  // As people type it: either case, with or without the hyphen.
  const PendingLogin* find_code(std::string_view code, WallTime now) const;
  std::vector<const PendingLogin*> all(WallTime now) const;  // that wait, oldest first

  // The answer to `id` also goes to this request. Its connection may end first.
  void wait(const std::string& id, WaiterId waiter) { waiting_.emplace(waiter, id); }
  void forget(WaiterId waiter) { waiting_.erase(waiter); }

  // Decided: everyone who waits hears it.
  void settle(const std::string& id, const control::RegisterResponse& answer);
  void reject(const std::string& id);

  struct Answered {
    WaiterId waiter;
    control::RegisterResponse response;
  };
  // What came of requests that were kept open; those whose place is over get a new URL.
  std::vector<Answered> take_answers(WallTime now);
  std::optional<WallTime> next_end() const;

 private:
  PendingLogin make(
      const control::RegisterRequest& request, const MachinePublicKey& machine,
      WallTime begun) const;
  const PendingLogin& keep(PendingLogin login);
  void end(const std::string& id, const control::RegisterResponse& answer);
  bool is_over(const PendingLogin& login, WallTime now) const {
    return login.begun + kLifetime <= now;
  }

  std::string page_;
  crypto::Key32 secret_;
  std::map<std::string, PendingLogin, std::less<>> logins_;
  std::map<WaiterId, std::string> waiting_;
  std::vector<Answered> answers_;
};

control::RegisterResponse rejection();

}  // namespace aya::enroll
