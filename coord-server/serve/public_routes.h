// What anybody may ask without an identity, over plain HTTP or TLS: the server's key, whether it
// lives, which address they come from, and what the built-in relay answers (control 2.1,
// nat-traversal 3.4). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/http/message.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/ip_address.h"

namespace aya::serve {

struct PublicFacts {
  MachinePublicKey noise_key;
  std::string host;                    // of the server's URL
  std::vector<std::string> addresses;  // of that host, as far as configured
};

// A relay elsewhere asks whether a client of its own is a node of ours (control 4.2). nullopt: no
// such question, or one that names nobody.
struct AdmissionQuestion {
  NodePublicKey node;
  IpAddress source;
};
std::optional<AdmissionQuestion> admission_question(const http::Request& request);
http::Response admission_answer(bool allowed);

// nullopt: not one of these paths. Upgrades (/ts2021, /derp) are decided elsewhere.
// `caller`: the address the request came from.
std::optional<http::Response> answer_public(
    const http::Request& request, const IpAddress& caller, const PublicFacts& facts);

}  // namespace aya::serve
