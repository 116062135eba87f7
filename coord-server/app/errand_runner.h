// Does what pages have to wait for (pages/page_answer.h): passwords on two threads, because each
// takes a tenth of a second and 64 MiB; requests to other servers on the loop. Of each only so many
// at a time, so that a flood of logins costs a bounded amount of memory: whoever comes after that
// is told that the server is busy.
//
// Lives on the loop's thread; the threads see copies of passwords and nothing else.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "coord-server/pages/page_answer.h"
#include "proto/io/http_client.h"

namespace aya::coord {

class ErrandRunner {
 public:
  static constexpr std::size_t kMostPasswords = 32;
  static constexpr std::size_t kMostFetches = 32;
  static constexpr Duration kFetchWithin = 15s;

  using Finished = std::function<void(pages::Done)>;

  explicit ErrandRunner(io::Loop& loop);  // outlives this
  ~ErrandRunner();

  // `finished` is called once, later, unless the runner is destroyed before.
  void run(const std::variant<pages::PasswordWork, pages::FetchWork>& work, Finished finished);

 private:
  struct Task {
    std::uint64_t number;
    pages::PasswordWork work;
  };
  void work_through();
  void fetch(std::uint64_t number, const pages::FetchWork& work);
  void finish(std::uint64_t number, pages::Done done);

  io::Loop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what threads post back
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Finished> open_;
  std::size_t passwords_ = 0;
  std::map<std::uint64_t, std::unique_ptr<io::HttpClient>> fetches_;
  tls::TlsClientContext tls_;  // trusts what this system trusts

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_, like ending_
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace aya::coord
