// Sends mails by SMTP, which libcurl speaks: one after the other, on a thread of its own, because
// every step of it waits for another machine. The thread begins with the first mail.
//
// Lives on the loop's thread; the other one sees copies.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "coord-server/mail/outbox.h"
#include "coord-server/mail/smtp_server.h"
#include "proto/io/loop.h"

namespace aya::smtp {

// What to install for mails to be sent; empty: it is there. Loads the library.
std::string missing_library();

class SmtpLink {
 public:
  // Up to the login, and in all: a mail that takes longer was not taken.
  static constexpr std::chrono::seconds kConnectWithin{20}, kSendWithin{30};

  using Done = std::function<void(mail::MailId, const mail::Attempt&)>;

  // `done` is called later, once for each mail that is sent, unless this is destroyed before.
  SmtpLink(io::Loop& loop, mail::SmtpServer server, Done done);
  ~SmtpLink();  // breaks off what is under way; a moment

  void send(mail::Outgoing mail);

 private:
  void work_through();

  io::Loop& loop_;
  mail::SmtpServer server_;
  Done done_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what the thread posts back

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<mail::Outgoing> tasks_;  // guarded by mutex_
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace aya::smtp
