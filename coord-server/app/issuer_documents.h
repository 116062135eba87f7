// Fetches what issuers of federated identities say of themselves. As with webhooks, whoever may
// name an issuer is not thereby let into the server's own network. One thread, the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "coord-server/federation/issuer_keys.h"
#include "proto/io/http_client.h"

namespace aya::coord {

class IssuerDocuments {
 public:
  // Two, one after the other, must come within the patience of clients, which is ten seconds.
  static constexpr Duration kWithin = 4s;
  static constexpr std::size_t kLongest = std::size_t{256} << 10;

  using Got = std::function<void(const std::string& issuer, const federation::Fetched& got)>;

  // `got` is called later, once for each fetch.
  IssuerDocuments(io::Loop& loop, bool in_private_networks, Got got)
      : loop_(loop), in_private_networks_(in_private_networks), got_(std::move(got)) {}

  void fetch(const federation::Fetch& document);

 private:
  void finish(const std::string& issuer, const Result<http::Response, io::IoError>& answer);

  io::Loop& loop_;
  bool in_private_networks_;
  Got got_;
  tls::TlsClientContext tls_{tls::TlsTrust::roots()};  // what this system trusts
  std::map<std::string, std::unique_ptr<io::HttpClient>> fetches_;  // by issuer
};

}  // namespace aya::coord
