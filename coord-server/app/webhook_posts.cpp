#include "coord-server/app/webhook_posts.h"

#include "coord-server/webhooks/messages.h"

namespace aya::coord {

void WebhookPosts::post(const webhooks::Post& message) {
  if (posts_.contains(message.from)) return;
  const Bytes body = as_bytes(message.body);
  io::HttpFetch asked;
  asked.url = message.url;
  asked.method = "POST";
  asked.headers.set("Content-Type", "application/json");
  asked.headers.set(webhooks::kSignatureHeader, message.signature);
  asked.body = Buffer(body.begin(), body.end());
  asked.tls = &tls_;
  asked.timeout = kWithin;
  asked.body_limit = kLongestAnswer;
  asked.public_only = !to_private_addresses_;
  posts_.emplace(
      message.from,
      std::make_unique<io::HttpClient>(
          loop_, std::move(asked),
          [this, from = message.from](Result<http::Response, io::IoError> answer) {
            // The client goes, and with it this function.
            WebhookPosts& posts = *this;
            const webhooks::WebhookId id = from;
            const auto client = posts.posts_.extract(id);
            if (answer) return posts.done_(id, static_cast<int>(answer->status));
            posts.done_(id, webhooks::NoAnswer{answer.error().detail});
          }));
}

}  // namespace aya::coord
