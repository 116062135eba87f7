// The certificates the server shows: its own or the configured chain, and behind it one that
// announces the relay's key (nat-traversal 3.3). That one is valid for a month and certificates of
// authorities are replaced on disk, so all is read and made again every few hours.
#pragma once

#include <memory>
#include <string>

#include "coord-server/app/config.h"
#include "proto/derp/relay_key.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"
#include "proto/tls/tls_context.h"

namespace aya::coord {

struct TlsFiles {
  std::string certificate, key;
};

class TlsIdentity {
 public:
  static constexpr Duration kRenewEvery = std::chrono::hours(6);

  // The loop and the logger outlive this.
  static Result<std::unique_ptr<TlsIdentity>, StartError> load(
      io::Loop& loop, TlsFiles files, const derp::RelayPublicKey& relay, Logger& log);

  // For a new session. Sessions keep what they need of it, so it may be replaced under them.
  tls::TlsServerContext& current() { return *context_; }
  std::string pin() const { return tls::pin_text(context_->fingerprint()); }

 private:
  TlsIdentity(io::Loop& loop, TlsFiles files, const derp::RelayPublicKey& relay, Logger& log);
  Result<void, StartError> renew();

  io::Loop& loop_;
  TlsFiles files_;
  derp::RelayPublicKey relay_;
  Logger& log_;
  io::Timer timer_;
  std::unique_ptr<tls::TlsServerContext> context_;
};

}  // namespace aya::coord
