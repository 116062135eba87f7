// Posts what other programs are told and asked. Nobody who may say where that goes is let into the
// server's own network by it: addresses that are no public ones are dialled only where the server's
// configuration says so. One thread, the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "coord-server/delivery/message.h"
#include "proto/io/http_client.h"

namespace aya::coord {

class MessagePosts {
 public:
  static constexpr Duration kWithin = 15s;

  using Done = std::function<void(const delivery::Sender& from, const delivery::Outcome& outcome)>;

  // `done` is called later, once for each post.
  MessagePosts(io::Loop& loop, bool to_private_addresses, Done done)
      : loop_(loop), to_private_addresses_(to_private_addresses), done_(std::move(done)) {}

  // A sender has one message under way at a time.
  void post(const delivery::Post& post);

 private:
  io::Loop& loop_;
  bool to_private_addresses_;
  Done done_;
  tls::TlsClientContext tls_{tls::TlsTrust::roots()};  // what this system trusts
  std::map<delivery::Sender, std::unique_ptr<io::HttpClient>> posts_;
};

}  // namespace aya::coord
