#include "daemon/host_dns/host_dns.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/host_dns/direct.h"
#include "daemon/host_dns/evidence.h"
#include "daemon/host_dns/files.h"
#include "daemon/host_dns/programs.h"
#include "daemon/host_dns/resolved.h"

namespace aya::host_dns {
namespace {

using os::OsError;

// Whoever rewrites the file may do it in steps.
constexpr Duration kSettle = 250ms;
constexpr Duration kServiceAway = 500ms;
constexpr int kPatience = 10;  // times that
constexpr Duration kPeace = 60s;
constexpr Duration kTryAgain = 5s;

TimePoint now() { return std::chrono::steady_clock::now(); }

std::string_view to_text(Evidence::Access access) {
  switch (access) {
    case Evidence::Access::Writable:
      return "writable";
    case Evidence::Access::ReadOnly:
      return "read-only";
    case Evidence::Access::Immutable:
      return "immutable";
  }
  return "";
}

std::string join(const std::vector<IpAddress>& addresses) {
  std::string out;
  for (const IpAddress& address : addresses) out += (out.empty() ? "" : ",") + address.to_text();
  return out;
}

// No back end: nothing can be changed, but what is there is known.
class Nothing final : public Backend {
 public:
  Nothing(Places places, const Evidence& evidence)
      : places_(std::move(places)), base_(parse_resolv_conf(evidence.resolv_conf.value_or(""))) {}

  Result<void, OsError> apply(const Wanted&) override { return {}; }
  Result<void, OsError> restore() override { return {}; }
  const Base& base() const override { return base_; }
  void add_watches(Watch& watch) const override { watch.add_file(places_.resolv_conf); }
  Result<News, OsError> look() override { return News::None; }

 private:
  Places places_;
  Base base_;
};

std::unique_ptr<Backend> make_backend(Mode mode, const Places& places, const Evidence& evidence) {
  switch (mode) {
    case Mode::None:
      return std::make_unique<Nothing>(places, evidence);
    case Mode::Direct:
      return std::make_unique<Direct>(places, evidence);
    case Mode::Resolved:
      return std::make_unique<Resolved>(places);
    case Mode::NetworkManager:
      return std::make_unique<NetworkManager>(places, evidence);
    case Mode::Openresolv:
    case Mode::DebianResolvconf:
      return std::make_unique<Resolvconf>(places, mode);
    case Mode::Dnsmasq:
      return std::make_unique<Dnsmasq>(places, evidence);
  }
  return std::make_unique<Nothing>(places, evidence);
}

}  // namespace

HostDns::HostDns(Places places, Logger& log) : places_(std::move(places)), log_(log) {
  const auto undone = restore_all(places_);
  if (!undone) {
    fail(undone.error());
  } else if (!undone->empty()) {
    log_.info("put the host's resolver back after a run that was killed", {{"what", *undone}});
  }
}

HostDns::~HostDns() { give_back(); }

void HostDns::begin() {
  choose();
  watch_again();
}

void HostDns::choose() {
  const Evidence evidence = gather(places_);
  const Decision before = std::exchange(decision_, decide(evidence));
  state_.mode = decision_.mode;
  backend_ = make_backend(decision_.mode, places_, evidence);
  take_base();
  if (decision_ == before) return;

  const std::string_view text = evidence.resolv_conf ? *evidence.resolv_conf : std::string_view();
  log_.info(
      "how the host resolves names",
      {{"mode", to_text(decision_.mode)},
       {"why", decision_.why},
       {"resolv_conf", !evidence.resolv_conf           ? "missing"
                       : !evidence.link_target.empty() ? "link to " + evidence.link_target
                       : evidence.mounted              ? std::string("mount")
                                                       : std::string("file")},
       {"access", to_text(evidence.access)},
       {"owner", owner_of(text)},
       {"nameservers", join(parse_resolv_conf(text).nameservers)},
       {"nss_resolve", evidence.nss_resolve},
       {"resolved_answers", evidence.resolved_answers},
       {"network_manager", evidence.network_manager},
       {"network_manager_uses_resolved", evidence.network_manager_uses_resolved},
       {"resolvconf", evidence.resolvconf.substr(0, evidence.resolvconf.find('\n'))},
       {"dnsmasq_folder", evidence.dnsmasq_folder}});
}

void HostDns::take_base() { state_.base = backend_->base(); }

void HostDns::set_wanted(const std::optional<Wanted>& wanted) {
  if (!wanted) {
    wanted_.reset();
    give_back();
    watch_again();
    return;
  }
  if (wanted_ == wanted && state_.applied) return;
  wanted_ = wanted;
  if (begin_anew_at_) return;
  // The host may have been set up anew since the program was started. What could not be given back
  // yet is still ours, and known to its back end.
  if (!state_.applied && !give_back_at_) choose();
  give_back_at_.reset();
  apply();
  watch_again();
}

void HostDns::apply() {
  if (state_.mode == Mode::None) {
    state_.problem = Problem{"dns-not-set", decision_.why};
    return;
  }
  if (auto applied = backend_->apply(*wanted_); !applied) return fail(applied.error());
  state_.applied = wanted_;
  state_.problem.reset();
  take_base();
}

void HostDns::give_back() {
  if (!backend_) return;
  if (auto restored = backend_->restore(); !restored) {
    fail(restored.error());
    give_back_at_ = now() + kTryAgain;
  } else {
    state_.problem.reset();
    give_back_at_.reset();
  }
  state_.applied.reset();
  fights_.forget();
  look_at_.reset();
  begin_anew_at_.reset();
}

void HostDns::fail(const OsError& error) {
  Problem problem{
      "dns-not-set", "the host's resolver could not be set: " + error.message() +
                         "; names may not resolve until that is mended"};
  if (state_.problem == problem) return;
  log_.error("cannot set the host's resolver", {{"why", error.message()}});
  state_.problem = std::move(problem);
}

void HostDns::watch_again() {
  watch_.clear();
  watch_.add_file(places_.resolv_conf);
  backend_->add_watches(watch_);
}

void HostDns::wait(int wake) {
  const auto deadline = earlier(earlier(look_at_, begin_anew_at_), give_back_at_);
  int timeout = -1;
  if (deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }
  // Once it has ended its descriptor stays readable: look() asks for the next one.
  const int service = look_at_ ? -1 : backend_->service_fd();
  std::array<pollfd, 3> fds{
      {{wake, POLLIN, 0}, {watch_.poll_fd(), POLLIN, 0}, {service, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), timeout);
  const bool touched = (fds[1].revents & POLLIN) != 0 && watch_.drain();
  const bool ended = (fds[2].revents & POLLIN) != 0;
  if ((touched || ended) && !look_at_) look_at_ = now() + kSettle;
  if (take_if_due(give_back_at_, now()) && !wanted_) give_back();
  if (take_if_due(begin_anew_at_, now())) mode_may_be_another();
  if (take_if_due(look_at_, now())) look();
}

void HostDns::look() {
  if (begin_anew_at_) return;
  if (give_back_at_) return give_back();  // perhaps it can be done now
  if (!state_.applied) return mode_may_be_another();
  const auto news = backend_->look();
  if (!news) return fail(news.error());
  switch (*news) {
    case Backend::News::None:
      // resolv.conf may have got another owner.
      if (state_.mode != Mode::Direct) mode_may_be_another();
      break;
    case Backend::News::BaseChanged:
      take_base();
      break;
    case Backend::News::Foreign:
      on_foreign_change();
      break;
    case Backend::News::NotYet:
      // It may also be gone for good, and names be asked of somebody else.
      if (++away_ == kPatience) mode_may_be_another();
      look_at_ = now() + (away_ < kPatience ? kServiceAway : kPatience * kServiceAway);
      watch_again();
      return;
  }
  away_ = 0;
  watch_again();
}

// What is there now is how the host is configured without us.
void HostDns::on_foreign_change() {
  const auto text = read_text(places_.resolv_conf);
  const std::string_view owner = text && *text ? owner_of(**text) : std::string_view();
  const std::string who = owner.empty() ? "another program" : std::string(owner);
  if (auto left = backend_->abandon(); !left) fail(left.error());
  state_.applied.reset();
  if (fights_.note(now())) {
    log_.error("another program keeps rewriting resolv.conf", {{"owner", who}});
    state_.problem = Problem{
        "dns-trampled", who + " keeps rewriting " + places_.resolv_conf +
                            ": names of the mesh may not resolve; stop it from doing so, or run "
                            "`ayatori set --accept-dns=false`"};
    choose();
    fights_.forget();
    begin_anew_at_ = now() + kPeace;
    return;
  }
  log_.info("resolv.conf was rewritten", {{"owner", who}});
  choose();
  apply();
}

void HostDns::mode_may_be_another() {
  if (!state_.applied) {
    choose();
    if (wanted_) apply();
    watch_again();
    return;
  }
  if (decide(gather(places_)).mode == state_.mode) return;
  if (auto restored = backend_->restore(); !restored) fail(restored.error());
  state_.applied.reset();
  choose();
  apply();
}

namespace {

// What was told to a service in the name of our link.
Result<std::string, OsError> undo_telling(const Journal& journal) {
  Result<void, OsError> undone;
  switch (journal.mode) {
    case Mode::Resolved:
      undone = revert_resolved(journal.link);
      break;
    case Mode::Openresolv:
    case Mode::DebianResolvconf:
      undone = remove_resolvconf_record(journal.link, journal.mode);
      break;
    case Mode::Dnsmasq:
      undone = remove_dnsmasq_file(journal.dnsmasq_file);
      break;
    case Mode::None:
    case Mode::Direct:
    case Mode::NetworkManager:  // it forgets a link that is gone
      return std::string();
  }
  if (!undone) return undone.error();
  return std::string(to_text(journal.mode));
}

}  // namespace

Result<std::string, OsError> restore_all(const Places& places) {
  const auto journal = read_journal(places.state_dir);
  std::string out;
  if (journal) {
    auto undone = undo_telling(*journal);
    if (!undone) return undone;
    out = std::move(*undone);
  } else if (const std::string folder = openwrt_dnsmasq_folder(); !folder.empty()) {
    if (auto gone = remove_dnsmasq_file(dnsmasq_file_in(folder)); !gone) return gone.error();
  } else if (has_resolvconf_record(places.link)) {
    const auto flavour = decide(gather(places)).mode;
    if (auto gone = remove_resolvconf_record(places.link, flavour); !gone) return gone.error();
    out = "resolvconf";
  }
  const auto file = restore_resolv_conf(places, journal);
  if (!file) return file.error();
  if (file->was_ours) out += (out.empty() ? "" : ", ") + places.resolv_conf;
  if (file->backup_was_changed) out += ", whose copy somebody had changed";
  if (auto gone = remove_journal(places.state_dir); !gone) return gone.error();
  return out;
}

}  // namespace aya::host_dns
