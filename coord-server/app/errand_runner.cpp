#include "coord-server/app/errand_runner.h"

#include "proto/crypto/password.h"

namespace aya::coord {
namespace {

constexpr unsigned kThreads = 2;
constexpr std::size_t kLongestAnswer = 512 * 1024;

pages::Done busy() {
  pages::Done done;
  done.trouble = "too much to do";
  return done;
}

pages::Done carry_out(const pages::PasswordWork& work) {
  pages::Done done;
  done.matches = work.hash.empty() || crypto::password_matches(work.password, work.hash);
  const bool make = work.hash.empty() || (done.matches && crypto::is_outdated_hash(work.hash));
  if (make) done.hash = crypto::hash_password(work.password).value_or("");
  return done;
}

}  // namespace

ErrandRunner::ErrandRunner(io::Loop& loop) : loop_(loop), tls_(tls::TlsTrust::roots()) {}

ErrandRunner::~ErrandRunner() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    tasks_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ErrandRunner::run(
    const std::variant<pages::PasswordWork, pages::FetchWork>& work, Finished finished) {
  const std::uint64_t number = ++last_number_;
  open_.emplace(number, std::move(finished));
  if (const auto* asked = std::get_if<pages::FetchWork>(&work)) return fetch(number, *asked);
  const auto post_busy = [this, number, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) finish(number, busy());
  };
  if (passwords_ >= kMostPasswords) return loop_.post(post_busy);
  ++passwords_;
  // Most servers never see a login: their threads begin with the first.
  while (threads_.size() < kThreads) threads_.emplace_back([this] { work_through(); });
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({number, std::get<pages::PasswordWork>(work)});
  }
  wake_.notify_one();
}

void ErrandRunner::work_through() {
  const std::weak_ptr<int> alive = alive_;
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    loop_.post([this, alive, number = task.number, done = carry_out(task.work)] {
      if (alive.expired()) return;
      --passwords_;
      finish(number, done);
    });
  }
}

void ErrandRunner::fetch(std::uint64_t number, const pages::FetchWork& work) {
  if (fetches_.size() >= kMostFetches) {
    return loop_.post([this, number, alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) finish(number, busy());
    });
  }
  io::HttpFetch asked;
  asked.url = work.url;
  asked.method = work.method;
  asked.headers = work.headers;
  append(asked.body, as_bytes(work.body));
  asked.tls = &tls_;
  asked.timeout = kFetchWithin;
  asked.body_limit = kLongestAnswer;
  fetches_.emplace(
      number, std::make_unique<io::HttpClient>(
                  loop_, std::move(asked), [this, number](Result<http::Response, io::IoError> got) {
                    pages::Done done;
                    if (got) {
                      done.fetched = std::move(*got);
                    } else {
                      done.trouble = got.error().detail;
                    }
                    // The client goes, and with it this function.
                    ErrandRunner& runner = *this;
                    const std::uint64_t over = number;
                    const auto client = runner.fetches_.extract(over);
                    runner.finish(over, std::move(done));
                  }));
}

void ErrandRunner::finish(std::uint64_t number, pages::Done done) {
  auto open = open_.extract(number);
  if (open) open.mapped()(std::move(done));
}

}  // namespace aya::coord
