#include "coord-server/app/installation.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "coord-server/app/files.h"
#include "coord-server/app/server_keys.h"
#include "coord-server/people/people.h"
#include "coord-server/serve/coordinator.h"
#include "coord-server/store/sqlite_store.h"
#include "proto/base/scope_exit.h"

namespace aya::coord {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstAccount = "default";
constexpr std::string_view kBaseDomain = "ayatori.internal";
// Clocks of other machines may be behind ours.
constexpr auto kBackdated = std::chrono::hours(24);

StartError missing(const Places& places) {
  return {
      places.state + " holds no server yet; make one with: ayatori-coord init " + places.option +
      "--server-url https://NAME-OR-ADDRESS"};
}

// Where the program will run from may differ from where it was made.
Result<std::string, StartError> absolute(const std::string& path) {
  std::error_code failed;
  const fs::path full = fs::absolute(path, failed);
  if (failed) return file_error("use", path, failed.value());
  return full.lexically_normal().string();
}

Result<Config, StartError> config_of(const InitWish& wish) {
  Config config;
  if (wish.server_url.empty()) {
    return StartError{"--server-url is missing: the https URL under which nodes find this server"};
  }
  if (auto set = set_server_url(wish.server_url, config); !set) return set.error();
  const std::string listen =
      wish.listen.empty() ? ':' + std::to_string(config.url.port) : wish.listen;
  const auto at = ListenAt::parse(listen);
  if (!at) return StartError{"--listen: \"" + listen + "\" is not an address and port"};
  config.listen = *at;
  if (auto set = set_stun_listen(wish.stun_listen, config); !set) return set.error();
  const bool host_is_address = IpAddress::parse(config.url.host).has_value();
  const std::string relay =
      wish.derp_ip.empty() && host_is_address ? config.url.host : wish.derp_ip;
  if (auto set = set_relay_addresses(relay, config); !set) return set.error();
  if (wish.tls_cert.empty() != wish.tls_key.empty()) {
    return StartError{"--tls-cert and --tls-key belong together; give both or neither"};
  }
  if (wish.tls_cert.empty()) return config;
  auto certificate = absolute(wish.tls_cert);
  if (!certificate) return certificate.error();
  auto key = absolute(wish.tls_key);
  if (!key) return key.error();
  config.tls_cert = *certificate;
  config.tls_key = *key;
  return config;
}

// The folder, empty and closed to others. True: it was made here.
Result<bool, StartError> make_folder(const std::string& dir) {
  std::error_code failed;
  if (fs::exists(dir, failed)) {
    if (!fs::is_directory(dir, failed)) return StartError{dir + " exists and is no folder"};
    if (!fs::is_empty(dir, failed) || failed) {
      return StartError{
          dir +
          " is not empty, and init overwrites nothing; choose another --dir, or remove it "
          "if its server is no longer wanted"};
    }
    if (::chmod(dir.c_str(), 0700) != 0) return file_error("use", dir, errno);
    return false;
  }
  fs::create_directories(fs::path(dir).parent_path(), failed);
  if (failed) return file_error("make", dir, failed.value());
  if (::mkdir(dir.c_str(), 0700) != 0) return file_error("make", dir, errno);
  return true;
}

Result<void, StartError> make_certificate(const Installation& installation, WallTime now) {
  const Config& config = installation.config;
  tls::SelfSigned wanted;
  wanted.names = {config.url.host};
  for (const auto& address : {config.relay_ipv4, config.relay_ipv6}) {
    if (address && address->to_text() != config.url.host)
      wanted.names.push_back(address->to_text());
  }
  wanted.not_before = now - kBackdated;
  auto made = tls::make_self_signed(wanted);
  if (!made) return StartError{"cannot make a certificate: " + made.error().detail};
  const TlsFiles files = installation.tls_files();
  if (auto kept = create_file(files.key, made->private_key_pem, 0600); !kept) return kept;
  return create_file(files.certificate, made->certificate_pem, 0644);
}

store::Stored<void> make_database(
    const std::string& path, const std::string& owner, WallTime now, Rng& rng) {
  auto storage = store::open_sqlite_store(path);
  if (!storage) return storage.error();
  if (auto keys = load_server_keys(**storage, rng); !keys) return keys.error();
  return serve::create_first_account(
      **storage, std::string(kFirstAccount), std::string(kBaseDomain), owner, now);
}

Result<void, StartError> fill(
    const Installation& installation, const InitWish& wish, WallTime now, Rng& rng) {
  const Config& config = installation.config;
  auto certificate = config.own_certificate() ? make_certificate(installation, now)
                                              : check_certificate(installation.tls_files());
  if (!certificate) return certificate;
  const std::string database = installation.places.database();
  if (auto made = make_database(database, wish.owner, now, rng); !made) {
    return StartError{database + ": " + made.error().to_text()};
  }
  const std::string folder = installation.places.config_folder();
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return file_error("make", folder, failed.value());
  // Last: with it the installation is one.
  return create_file(installation.places.config, config_text(config), 0600);
}

void remove_contents(const std::string& dir, bool with_folder) {
  std::error_code ignored;
  if (with_folder) {
    fs::remove_all(dir, ignored);
    return;
  }
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<void, StartError> check_certificate(const TlsFiles& files) {
  auto chain = read_file(files.certificate);
  if (!chain) return chain.error();
  auto key = read_file(files.key);
  if (!key) return key.error();
  auto context = tls::TlsServerContext::make({*chain, *key, {}});
  if (context) return {};
  return StartError{
      "cannot use " + files.certificate + " with " + files.key + ": " + context.error().detail};
}

TlsFiles Installation::tls_files() const {
  if (config.own_certificate()) return {places.state + "/cert.pem", places.state + "/key.pem"};
  const fs::path folder = places.config_folder();
  return {(folder / config.tls_cert).string(), (folder / config.tls_key).string()};
}

Result<std::optional<mail::SmtpServer>, StartError> Installation::smtp_server() const {
  if (!config.smtp) return std::optional<mail::SmtpServer>();
  std::string password;
  if (const std::string& file = config.smtp->password_file(); !file.empty()) {
    const std::string path = fs::path(places.config_folder()) / file;
    auto text = read_file(path);
    if (!text) return StartError{"smtp_password_file: " + text.error().text};
    password = text->substr(0, text->find_first_of("\r\n"));
    if (password.empty()) return StartError{"smtp_password_file: " + path + " is empty"};
  }
  return std::optional(config.smtp->server(std::move(password), config.url.host));
}

Result<Installation, StartError> open_installation(const Places& places) {
  std::error_code failed;
  if (!fs::exists(places.config, failed)) {
    if (failed) return file_error("read", places.config, failed.value());
    return missing(places);
  }
  if (!fs::exists(places.database(), failed)) {
    // An empty one in its place would let every node in as a stranger, or not at all.
    return StartError{
        places.database() +
        " is missing; restore it from a backup, or make a new server in "
        "another folder with init"};
  }
  auto text = read_file(places.config);
  if (!text) return text.error();
  auto config = parse_config(*text, places.config);
  if (!config) return config.error();
  return Installation{places, std::move(*config)};
}

Result<Installation, StartError> create_installation(const InitWish& wish, WallTime now, Rng& rng) {
  auto config = config_of(wish);
  if (!config) return config.error();
  const Installation installation{wish.places, std::move(*config)};
  const Places& places = installation.places;
  std::error_code failed;
  if (fs::exists(places.config, failed) && places.config_folder() != places.state) {
    return StartError{
        places.config + " is there already, and init overwrites nothing; choose a --dir, or "
        "remove it if its server is no longer wanted"};
  }
  auto fresh = make_folder(places.state);
  if (!fresh) return fresh.error();
  auto filled = fill(installation, wish, now, rng);
  if (!filled) {
    remove_contents(places.state, *fresh);
    return filled.error();
  }
  return installation;
}

Result<std::string, StartError> make_owner_link(
    const Installation& installation, const std::string& owner, WallTime now, Rng& rng) {
  const std::string database = installation.places.database();
  const auto failed = [&](const store::StoreError& why) {
    return StartError{database + ": " + why.to_text()};
  };
  auto storage = store::open_sqlite_store(database);
  if (!storage) return failed(storage.error());
  auto registry = nodes::Registry::load(**storage, now);
  if (!registry) return failed(registry.error());
  people::People people(**registry, **storage, rng);
  const store::User* user = people.find(kFirstAccount, owner);
  if (user == nullptr) return StartError{database + " has no user " + owner};
  store::AuditEntry entry = people.entry(*user, "CREATE", now);
  entry.property = "LOGIN_LINK";
  auto token = people.make_link(*user, now, entry);
  if (!token) return failed(token.error());
  return installation.config.server_url + "/link/" + *token;
}

}  // namespace aya::coord
