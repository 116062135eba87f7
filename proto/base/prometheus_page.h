// A page of metrics in the Prometheus text format: families one after the other, each with its
// samples.
//
//   PrometheusPage page;
//   page.family("ayatori_control_connected", "gauge", "1 while the coordination server is heard");
//   page.sample(1);
//   page.family("ayatori_handshakes_total", "counter", "WireGuard handshakes by their end");
//   page.sample(3, page.label("result", "ok"));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/histogram.h"

namespace aya {

class PrometheusPage {
 public:
  // Empty help is left out.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::uint64_t value, std::string_view labels = "");
  void histogram(const Histogram& histogram, std::string_view labels = "");
  std::string take() { return std::move(text_); }

  // name="value"; several are joined by commas.
  static std::string label(std::string_view name, std::string_view value);

 private:
  void line(std::string_view suffix, std::string_view labels, std::string_view value);

  std::string name_, text_;
};

}  // namespace aya
