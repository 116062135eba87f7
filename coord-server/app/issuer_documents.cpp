#include "coord-server/app/issuer_documents.h"

namespace aya::coord {

void IssuerDocuments::fetch(const federation::Fetch& document) {
  io::HttpFetch asked;
  asked.url = document.url;
  asked.headers.set("Accept", "application/json");
  asked.tls = &tls_;
  asked.timeout = kWithin;
  asked.body_limit = kLongest;
  asked.public_only = !in_private_networks_;
  fetches_.insert_or_assign(
      document.issuer,
      std::make_unique<io::HttpClient>(
          loop_, std::move(asked),
          [this, issuer = document.issuer](Result<http::Response, io::IoError> answer) {
            // The client goes, and with it this function.
            IssuerDocuments& documents = *this;
            const std::string of = issuer;
            const auto client = documents.fetches_.extract(of);
            documents.finish(of, answer);
          }));
}

void IssuerDocuments::finish(
    const std::string& issuer, const Result<http::Response, io::IoError>& answer) {
  if (!answer) return got_(issuer, federation::NoDocument{answer.error().detail});
  if (answer->status != 200) {
    return got_(
        issuer, federation::NoDocument{"it answered " + std::to_string(answer->status)});
  }
  got_(issuer, std::string(as_text(answer->body)));
}

}  // namespace aya::coord
