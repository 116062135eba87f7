#include "coord-server/app/relay_maps.h"

namespace aya::coord {

void RelayMaps::fetch(const std::string& url) {
  if (fetches_.contains(url)) return;
  io::HttpFetch asked;
  asked.url = url;
  asked.tls = &tls_;
  asked.timeout = kWithin;
  asked.body_limit = kLongest;
  fetches_.emplace(
      url, std::make_unique<io::HttpClient>(
               loop_, std::move(asked), [this, url](Result<http::Response, io::IoError> answer) {
                 // The client goes, and with it this function.
                 RelayMaps& maps = *this;
                 const std::string over = url;
                 const auto client = maps.fetches_.extract(over);
                 maps.finish(over, std::move(answer));
               }));
}

void RelayMaps::finish(const std::string& url, Result<http::Response, io::IoError> answer) {
  if (!answer) return got_(url, relays::NoMap{answer.error().detail});
  if (answer->status != 200) {
    return got_(url, relays::NoMap{"the server answered " + std::to_string(answer->status)});
  }
  got_(url, std::string(as_text(answer->body)));
}

}  // namespace aya::coord
