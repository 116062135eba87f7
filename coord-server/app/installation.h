// An installation is one folder that holds all a server owns:
//
//   config               what the administrator decides (config.h)
//   coord.db             accounts, nodes, keys
//   cert.pem, key.pem    the certificate made here, where none was given
//   coord.sock           while it runs: where the command line reaches it
//
// The folder is readable by its owner alone.
#pragma once

#include <string>

#include "coord-server/app/config.h"
#include "coord-server/app/tls_identity.h"

namespace aya::coord {

inline constexpr std::string_view kDefaultDir = "/var/lib/ayatori-coord";

struct Installation {
  std::string dir;
  Config config;

  std::string config_file() const { return dir + "/config"; }
  std::string database() const { return dir + "/coord.db"; }
  std::string socket() const { return dir + "/coord.sock"; }
  TlsFiles tls_files() const;
  // The mail server with the password for it, where one is configured.
  Result<std::optional<mail::SmtpServer>, StartError> smtp_server() const;
};

Result<Installation, StartError> open_installation(const std::string& dir);

// Do they belong together, and can TLS use them?
Result<void, StartError> check_certificate(const TlsFiles& files);

struct InitWish {
  std::string dir{kDefaultDir};
  std::string server_url;
  std::string listen;  // empty: the URL's port on every address
  std::string stun_listen{kDefaultStunListen};
  std::string derp_ip;  // empty: the URL's host if it is an address
  std::string tls_cert, tls_key;
  std::string owner = "owner";
};
// Makes the folder and all in it, or nothing: what was begun is removed when a step fails. Refuses
// a folder that holds anything.
Result<Installation, StartError> create_installation(const InitWish& wish, WallTime now, Rng& rng);

// A link by which the owner signs in for the first time; good once, for People::kLinkLasts. Before
// any server runs.
Result<std::string, StartError> make_owner_link(
    const Installation& installation, const std::string& owner, WallTime now, Rng& rng);

}  // namespace aya::coord
