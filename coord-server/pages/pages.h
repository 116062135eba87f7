// The pages that a login needs, on the server's own port: what a device shows a person is the
// address of one of them. No scripts, nothing from elsewhere.
//
// Pure: a request and its time in, a page out. One thread.
#pragma once

#include <optional>

#include "coord-server/enroll/enrollment.h"
#include "coord-server/pages/html.h"

namespace aya::pages {

class Pages {
 public:
  // All outlive this.
  Pages(nodes::Registry& registry, enroll::Enrollment& enrollment, enroll::Logins& logins)
      : registry_(registry), enrollment_(enrollment), logins_(logins) {}

  static bool owns(std::string_view path);
  http::Response answer(const http::Request& request, WallTime now);

 private:
  http::Response device_page(const http::Request& request, std::string_view id, WallTime now);

  [[maybe_unused]] nodes::Registry& registry_;
  [[maybe_unused]] enroll::Enrollment& enrollment_;
  enroll::Logins& logins_;
};

}  // namespace aya::pages
