// Fetches the relay maps of other servers for the coordinator. One thread, the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "coord-server/relays/relay_directory.h"
#include "proto/io/http_client.h"

namespace aya::coord {

class RelayMaps {
 public:
  static constexpr Duration kWithin = 30s;
  static constexpr std::size_t kLongest = std::size_t{1} << 20;

  using Got = std::function<void(const std::string& url, relays::Fetched map)>;

  // `got` is called later, once for each fetch.
  RelayMaps(io::Loop& loop, Got got) : loop_(loop), got_(std::move(got)) {}

  void fetch(const std::string& url);

 private:
  void finish(const std::string& url, Result<http::Response, io::IoError> answer);

  io::Loop& loop_;
  Got got_;
  tls::TlsClientContext tls_{tls::TlsTrust::roots()};  // what this system trusts
  std::map<std::string, std::unique_ptr<io::HttpClient>> fetches_;
};

}  // namespace aya::coord
