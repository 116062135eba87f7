// Tokens of other issuers, exchanged for ours (interfaces 1.3): a program that an administrator has
// described as a federated identity comes with what its own environment says of it, signed, and
// gets what an OAuth client gets for its secret.
//
// What a handler of the API asks is answered at once where the issuer's keys are known; otherwise
// they are fetched (issuer_keys.h) and its caller hears later, of whatever then holds: the identity
// is looked up anew. Pure but for the store. One thread.
#pragma once

#include <variant>

#include "coord-server/api/token_exchanger.h"
#include "coord-server/federation/issuer_keys.h"

namespace aya::federation {

using WaiterId = StrongId<struct ExchangeWaiterTag, std::uint64_t>;

class Exchanges final : public api::TokenExchanger {
 public:
  static constexpr std::size_t kMostWaiting = 64;

  // All outlive this.
  Exchanges(store::Store& storage, const nodes::Registry& registry, Rng& rng)
      : storage_(storage), tokens_(storage, registry, rng) {}

  // Around the handling of one request of a caller who can wait; others are refused what would take
  // a while.
  void begin() { may_wait_ = true; }
  std::optional<http::Response> exchange(Request asked, WallTime now) override;
  // True: the answer comes later, under that number. `said` is what the handler answered.
  bool end(WaiterId waiter, const http::Response& said);

  std::vector<Fetch> take_fetches() { return keys_.take_fetches(); }
  // What came of one. The error is for the log.
  Result<void, NoDocument> take(const std::string& issuer, const Fetched& got, WallTime now);

  struct Answered {
    WaiterId waiter;
    http::Response response;
  };
  std::vector<Answered> take_answers() { return std::exchange(answers_, {}); }

 private:
  struct Waiting {
    Request asked;
    std::string issuer;
    WaiterId waiter{};
    http::Headers headers;
  };
  using Access = Result<api::ApiTokens::NewAccess, api::ApiTokens::TradeRefusal>;
  struct KeysWanted {
    std::string issuer;  // who is being asked for them
  };
  std::variant<Access, KeysWanted> attempt(const Request& asked, WallTime now);

  store::Store& storage_;
  api::ApiTokens tokens_;
  IssuerKeys keys_;
  bool may_wait_ = false;
  std::optional<Waiting> asked_;  // by the request that is being handled
  std::vector<Waiting> waiting_;
  std::vector<Answered> answers_;
};

}  // namespace aya::federation
