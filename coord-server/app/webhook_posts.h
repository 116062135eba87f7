// Posts what webhooks have to tell. Nobody who may make webhooks is thereby let into the server's
// own network: addresses that are no public ones are dialled only where the server's configuration
// says so. One thread, the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "coord-server/webhooks/webhooks.h"
#include "proto/io/http_client.h"

namespace aya::coord {

class WebhookPosts {
 public:
  static constexpr Duration kWithin = 15s;
  static constexpr std::size_t kLongestAnswer = std::size_t{64} << 10;  // which nobody reads

  using Done = std::function<void(webhooks::WebhookId from, const webhooks::PostResult& result)>;

  // `done` is called later, once for each post.
  WebhookPosts(io::Loop& loop, bool to_private_addresses, Done done)
      : loop_(loop), to_private_addresses_(to_private_addresses), done_(std::move(done)) {}

  void post(const webhooks::Post& message);

 private:
  io::Loop& loop_;
  bool to_private_addresses_;
  Done done_;
  tls::TlsClientContext tls_{tls::TlsTrust::roots()};  // what this system trusts
  std::map<webhooks::WebhookId, std::unique_ptr<io::HttpClient>> posts_;
};

}  // namespace aya::coord
