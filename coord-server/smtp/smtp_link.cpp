#include "coord-server/smtp/smtp_link.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "coord-server/smtp/curl_library.h"

namespace aya::smtp {
namespace {

using mail::Attempt;
using mail::NotTaken;

// One conversation with the server: what is said on either side.
struct Talk {
  std::string_view unsent;
  std::string said;  // the last line of the server's
  const std::atomic<bool>* ending;

  static std::size_t read(char* out, std::size_t size, std::size_t count, void* self) {
    std::string_view& unsent = static_cast<Talk*>(self)->unsent;
    const std::size_t taken = unsent.copy(out, size * count);
    unsent.remove_prefix(taken);
    return taken;
  }
  static std::size_t heard(char* line, std::size_t size, std::size_t count, void* self) {
    std::string_view text(line, size * count);
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (!text.empty()) static_cast<Talk*>(self)->said = text.substr(0, 500);
    return size * count;
  }
  static int shall_end(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Talk*>(self)->ending->load() ? 1 : 0;
  }
};

class Sending {
 public:
  Sending(const CurlLibrary& curl, const mail::SmtpServer& server, const mail::Outgoing& mail,
          const std::atomic<bool>& ending)
      : curl_(curl), easy_(curl.easy_init()) {
    talk_.unsent = mail.message;
    talk_.ending = &ending;
    const std::string to = '<' + mail.to + '>';
    recipients_ = curl_.slist_append(nullptr, to.c_str());
    set(CURLOPT_URL, server.url().c_str());
    set(CURLOPT_USE_SSL,
        static_cast<long>(
            server.encryption == mail::Encryption::None ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    // Another place for what is trusted, by the name that the rest of the program knows it under.
    if (const char* roots = std::getenv("SSL_CERT_FILE")) set(CURLOPT_CAINFO, roots);
    if (!server.user.empty()) {
      set(CURLOPT_USERNAME, server.user.c_str());
      set(CURLOPT_PASSWORD, server.password.c_str());
    }
    set(CURLOPT_MAIL_FROM, ('<' + mail.from + '>').c_str());
    set(CURLOPT_MAIL_RCPT, recipients_);
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &Talk::read);
    set(CURLOPT_READDATA, static_cast<void*>(&talk_));
    set(CURLOPT_HEADERFUNCTION, &Talk::heard);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&talk_));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Talk::shall_end);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&talk_));
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(SmtpLink::kConnectWithin.count()));
    set(CURLOPT_TIMEOUT, static_cast<long>(SmtpLink::kSendWithin.count()));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, trouble_.data());
  }
  ~Sending() {
    curl_.easy_cleanup(easy_);
    curl_.slist_free_all(recipients_);
  }
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;

  Attempt run() {
    const CURLcode end = curl_.easy_perform(easy_);
    if (end == CURLE_OK) return talk_.said;
    long code = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
    const std::string detail = trouble_[0] != '\0' ? trouble_.data() : curl_.easy_strerror(end);
    switch (end) {
      case CURLE_LOGIN_DENIED:
        return NotTaken{
            static_cast<int>(code),
            "the mail server does not accept smtp_user with that password: " + talk_.said};
      case CURLE_USE_SSL_FAILED:
        return NotTaken{
            0, "the mail server offers no STARTTLS; smtp_starttls = off would send unencrypted"};
      case CURLE_PEER_FAILED_VERIFICATION:
        return NotTaken{0, "the certificate of the mail server is not trusted: " + detail};
      default:
        return code >= 400 ? NotTaken{static_cast<int>(code), "the mail server says: " + talk_.said}
                           : NotTaken{0, detail};
    }
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.easy_setopt(easy_, option, value);
  }

  const CurlLibrary& curl_;
  CURL* easy_;
  Talk talk_;
  curl_slist* recipients_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> trouble_{};
};

}  // namespace

std::string missing_library() {
  const auto library = CurlLibrary::load();
  return library ? std::string() : library.error();
}

SmtpLink::SmtpLink(io::Loop& loop, mail::SmtpServer server, Done done)
    : loop_(loop), server_(std::move(server)), done_(std::move(done)) {}

SmtpLink::~SmtpLink() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SmtpLink::send(mail::Outgoing mail) {
  if (!thread_.joinable()) thread_ = std::thread([this] { work_through(); });
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(mail));
  }
  wake_.notify_one();
}

void SmtpLink::work_through() {
  const std::weak_ptr<int> alive = alive_;
  std::optional<CurlLibrary> curl;
  for (;;) {
    mail::Outgoing mail;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      mail = std::move(tasks_.front());
      tasks_.pop_front();
    }
    Attempt attempt = NotTaken{};
    if (!curl) {
      // Tried for every mail until it is there: it may be installed while the server runs.
      if (auto loaded = CurlLibrary::load()) {
        curl = *loaded;
      } else {
        attempt = NotTaken{0, loaded.error()};
      }
    }
    if (curl) attempt = Sending(*curl, server_, mail, ending_).run();
    loop_.post([this, alive, id = mail.id, attempt] {
      if (!alive.expired()) done_(id, attempt);
    });
  }
}

}  // namespace aya::smtp
