#include "coord-server/enroll/logins.h"

#include <algorithm>
#include <cctype>

#include "proto/base/hex.h"
#include "proto/crypto/hmac.h"

namespace aya::enroll {
namespace {

constexpr std::size_t kStampBytes = 8;
constexpr std::size_t kIdBytes = kStampBytes + 16;

// Without letters and digits that look alike.
constexpr std::string_view kCodeAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr std::size_t kCodeLength = 8;

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The second in which the place was made stands in front of its id.
std::optional<WallTime> begun_of(std::string_view id) {
  std::array<std::byte, kIdBytes> bytes;
  if (!parse_hex_into(id, bytes)) return std::nullopt;
  std::uint64_t seconds = 0;
  for (const std::byte b : std::span(bytes).first<kStampBytes>()) {
    seconds = seconds << 8 | std::to_integer<std::uint64_t>(b);
  }
  if (seconds > 1ull << 32) return std::nullopt;  // beyond what WallTime holds
  return WallTime(std::chrono::seconds(seconds));
}

std::string code_of(Bytes random) {
  std::string code;
  for (std::size_t i = 0; i < kCodeLength; ++i) {
    if (i == kCodeLength / 2) code += '-';
    code += kCodeAlphabet[std::to_integer<std::size_t>(random[i]) % kCodeAlphabet.size()];
  }
  return code;
}

std::string normal_code(std::string_view typed) {
  std::string code;
  for (const char c : typed) {
    if (c == '-' || c == ' ') continue;
    code += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return code;
}

}  // namespace

control::RegisterResponse rejection() {
  control::RegisterResponse response;
  response.error = "an administrator has rejected this machine";
  return response;
}

PendingLogin Logins::make(
    const control::RegisterRequest& request, const MachinePublicKey& machine,
    WallTime begun) const {
  const auto seconds = static_cast<std::uint64_t>(seconds_of(begun));
  Buffer stamp;
  for (std::size_t i = kStampBytes; i-- > 0;) {
    stamp.push_back(static_cast<std::byte>(seconds >> (8 * i) & 0xff));
  }
  Buffer bound = stamp;
  append(bound, machine.bytes());
  append(bound, request.node_key.bytes());
  const auto made = crypto::hmac_sha256(secret_.bytes(), bound);
  append(stamp, std::span(made).first<kIdBytes - kStampBytes>());
  PendingLogin login;
  login.id = to_hex(stamp);
  login.code = code_of(std::span(made).last<kCodeLength>());
  login.machine = machine;
  login.request = request;
  login.request.auth.reset();
  login.begun = WallTime(std::chrono::seconds(seconds));
  return login;
}

const PendingLogin& Logins::keep(PendingLogin login) {
  if (logins_.size() >= kMost) {
    const auto oldest =
        std::ranges::min_element(logins_, {}, [](const auto& entry) { return entry.second.begun; });
    control::RegisterResponse busy;
    busy.error = "too many machines wait for a person; try again later";
    end(std::string(oldest->first), busy);
  }
  std::string id = login.id;
  return logins_.insert_or_assign(std::move(id), std::move(login)).first->second;
}

const PendingLogin& Logins::begin(
    const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now) {
  for (auto& [id, login] : logins_) {
    const bool same = login.machine == machine && login.request.node_key == request.node_key;
    if (!same || login.rejected || is_over(login, now)) continue;
    login.request = request;
    return login;
  }
  return keep(make(request, machine, now));
}

const PendingLogin* Logins::follow(
    const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now) {
  if (!request.followup.starts_with(page_)) return nullptr;
  const std::string_view id = std::string_view(request.followup).substr(page_.size());
  const auto begun = begun_of(id);
  if (!begun || *begun > now || *begun + kLifetime <= now) return nullptr;
  PendingLogin place = make(request, machine, *begun);
  if (place.id != id) return nullptr;  // given to another machine
  if (const PendingLogin* known = find(id, now)) return known;
  return &keep(std::move(place));
}

const PendingLogin* Logins::find(std::string_view id, WallTime now) const {
  const auto found = logins_.find(id);
  if (found == logins_.end() || is_over(found->second, now)) return nullptr;
  return &found->second;
}

const PendingLogin* Logins::find_code(std::string_view code, WallTime now) const {
  const std::string wanted = normal_code(code);
  for (const auto& [id, login] : logins_) {
    if (normal_code(login.code) == wanted && !login.rejected && !is_over(login, now)) return &login;
  }
  return nullptr;
}

std::vector<const PendingLogin*> Logins::all(WallTime now) const {
  std::vector<const PendingLogin*> out;
  for (const auto& [id, login] : logins_) {
    if (!login.rejected && !is_over(login, now)) out.push_back(&login);
  }
  return out;  // ids begin with the time
}

void Logins::end(const std::string& id, const control::RegisterResponse& answer) {
  std::erase_if(waiting_, [&](const auto& waiter) {
    if (waiter.second != id) return false;
    answers_.push_back({waiter.first, answer});
    return true;
  });
  logins_.erase(id);
}

void Logins::settle(const std::string& id, const control::RegisterResponse& answer) {
  end(id, answer);
}

// The place stays until its time is over, so that a machine that asks again hears it again.
void Logins::reject(const std::string& id) {
  const auto found = logins_.find(id);
  if (found == logins_.end()) return;
  PendingLogin login = found->second;
  login.rejected = true;
  end(id, rejection());
  keep(std::move(login));
}

std::vector<Logins::Answered> Logins::take_answers(WallTime now) {
  std::vector<PendingLogin> over;
  for (const auto& [id, login] : logins_) {
    if (!is_over(login, now)) break;
    over.push_back(login);
  }
  for (const PendingLogin& login : over) {
    const bool someone_waits = std::ranges::any_of(
        waiting_, [&](const auto& waiter) { return waiter.second == login.id; });
    control::RegisterResponse again;
    if (someone_waits) again.auth_url = url(keep(make(login.request, login.machine, now)));
    end(login.id, again);
  }
  return std::exchange(answers_, {});
}

std::optional<WallTime> Logins::next_end() const {
  if (logins_.empty()) return std::nullopt;
  return logins_.begin()->second.begun + kLifetime;
}

}  // namespace aya::enroll
