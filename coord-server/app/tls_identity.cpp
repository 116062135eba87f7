#include "coord-server/app/tls_identity.h"

#include "coord-server/app/files.h"

namespace aya::coord {
namespace {

constexpr int kRelayProtocol = 2;

}  // namespace

Result<std::unique_ptr<TlsIdentity>, StartError> TlsIdentity::load(
    io::Loop& loop, TlsFiles files, const derp::RelayPublicKey& relay, Logger& log) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(loop, std::move(files), relay, log));
  if (auto loaded = identity->renew(); !loaded) return loaded.error();
  return identity;
}

TlsIdentity::TlsIdentity(
    io::Loop& loop, TlsFiles files, const derp::RelayPublicKey& relay, Logger& log)
    : loop_(loop), files_(std::move(files)), relay_(relay), log_(log), timer_(loop, [this] {
        // What was good a moment ago still serves while somebody is at work on the files.
        if (auto renewed = renew(); !renewed) {
          log_.error("keeping the certificate in use", {{"why", renewed.error().text}});
        }
      }) {}

Result<void, StartError> TlsIdentity::renew() {
  timer_.arm_in(kRenewEvery);
  auto chain = read_file(files_.certificate);
  if (!chain) return chain.error();
  auto key = read_file(files_.key);
  if (!key) return key.error();
  tls::RelayMeta announced{.key = {}, .version = kRelayProtocol};
  copy_bytes(announced.key, relay_.bytes());
  auto meta = tls::make_relay_meta(announced, loop_.wall_now());
  if (!meta) return StartError{"cannot make the relay's certificate: " + meta.error().detail};
  auto context = tls::TlsServerContext::make({*chain, *key, *meta});
  if (!context) {
    return StartError{
        "cannot use " + files_.certificate + " with " + files_.key + ": " + context.error().detail};
  }
  context_ = std::move(*context);
  return {};
}

}  // namespace aya::coord
