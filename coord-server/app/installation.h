// An installation is all that a server owns: its configuration, its database, and its certificate
// where none was given. It is readable by its owner alone.
#pragma once

#include <string>

#include "coord-server/app/config.h"
#include "coord-server/app/places.h"
#include "coord-server/app/tls_identity.h"

namespace aya::coord {

struct Installation {
  Places places;
  Config config;

  TlsFiles tls_files() const;
  // The mail server with the password for it, where one is configured.
  Result<std::optional<mail::SmtpServer>, StartError> smtp_server() const;
};

Result<Installation, StartError> open_installation(const Places& places);

// Do they belong together, and can TLS use them?
Result<void, StartError> check_certificate(const TlsFiles& files);

struct InitWish {
  Places places = Places::of_the_system();
  std::string server_url;
  std::string listen;  // empty: the URL's port on every address
  std::string stun_listen{kDefaultStunListen};
  std::string derp_ip;  // empty: the URL's host if it is an address
  std::string tls_cert, tls_key;
  std::string owner = "owner";
};
// Makes the folder and all in it, or nothing: what was begun is removed when a step fails. Refuses
// a folder that holds anything, and overwrites no configuration.
Result<Installation, StartError> create_installation(const InitWish& wish, WallTime now, Rng& rng);

// A link by which the owner signs in for the first time; good once, for People::kLinkLasts. Before
// any server runs.
Result<std::string, StartError> make_owner_link(
    const Installation& installation, const std::string& owner, WallTime now, Rng& rng);

}  // namespace aya::coord
