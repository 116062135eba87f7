// Another server that vouches for programs: it signs for them, and says by which keys.
#pragma once

#include "coord-server/federation/issuer_keys.h"
#include "tests/coord-server/oidc/signer.h"

namespace aya::serve {

struct ForeignIssuer {
  using Signer = oidc::Signer;

  std::string url = "https://issuer.example";
  std::vector<Signer> signers = {Signer(Signer::Kind::P256, "k1")};
  std::size_t asked = 0;  // documents

  std::string token(const nlohmann::json& claims) const { return signers.back().token(claims); }

  federation::Fetched answer(const federation::Fetch& fetch) {
    ++asked;
    if (fetch.url == url + "/.well-known/openid-configuration") {
      return nlohmann::json{{"issuer", url}, {"jwks_uri", url + "/keys"}}.dump();
    }
    if (fetch.url != url + "/keys") return federation::NoDocument{"nothing is there"};
    nlohmann::json keys = nlohmann::json::array();
    for (const Signer& signer : signers) keys.push_back(signer.jwk());
    return nlohmann::json{{"keys", keys}}.dump();
  }
};

}  // namespace aya::serve
