#include "coord-server/app/message_posts.h"

namespace aya::coord {

void MessagePosts::post(const delivery::Post& post) {
  if (posts_.contains(post.from)) return;
  io::HttpFetch asked;
  asked.url = post.message.url;
  asked.method = post.message.method;
  asked.headers = post.message.headers;
  asked.body = post.message.body;
  asked.tls = &tls_;
  asked.timeout = kWithin;
  asked.body_limit = post.message.longest_answer;
  asked.public_only = !to_private_addresses_;
  posts_.emplace(
      post.from,
      std::make_unique<io::HttpClient>(
          loop_, std::move(asked),
          [this, from = post.from](Result<http::Response, io::IoError> answer) {
            // The client goes, and with it this function.
            MessagePosts& posts = *this;
            const delivery::Sender sender = from;
            const auto client = posts.posts_.extract(sender);
            if (!answer) return posts.done_(sender, delivery::NoAnswer{answer.error().detail});
            posts.done_(
                sender,
                delivery::Answered{answer->status, std::string(as_text(answer->body))});
          }));
}

}  // namespace aya::coord
