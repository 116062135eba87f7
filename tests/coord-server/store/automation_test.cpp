#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using Automation = StoreFixture;

TEST_F(Automation, KeepsHowAClientProvesItself) {
  make_account();
  OAuthClient identity;
  identity.public_id = "k9Fed1CNTRL";
  identity.account = account.id;
  identity.user = user.id;
  identity.scopes = {"auth_keys"};
  identity.tags = {"tag:ci"};
  identity.description = "pipeline";
  identity.created = identity.updated = kNow;
  identity.federation = Federation{
      "https://issuer.example",
      "repo:example/*",
      "api.default.example/k9Fed1CNTRL",
      {{"environment", "prod"}, {"https://issuer.example/a=b", "運用 *"}}};
  OAuthClient plain = identity;
  plain.public_id = "k9Oauth1CNTRL";
  plain.federation.reset();
  ASSERT_TRUE(store->create_oauth_client(identity, audit()));
  ASSERT_TRUE(store->create_oauth_client(plain, audit()));
  open();
  auto found = store->oauth_client("k9Fed1CNTRL");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->federation, identity.federation);
  EXPECT_EQ((*found)->scopes, identity.scopes);
  EXPECT_FALSE(store->oauth_client("k9Oauth1CNTRL")->value().federation);

  identity = **found;
  identity.federation->subject = "repo:example/main";
  identity.federation->claims.clear();
  ASSERT_TRUE(store->update_oauth_client(identity, audit("UPDATE")));
  open();
  EXPECT_EQ(store->oauth_client("k9Fed1CNTRL")->value().federation, identity.federation);
}

}  // namespace
}  // namespace aya::store
