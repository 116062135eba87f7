#include "proto/base/prometheus_page.h"

#include <cstdio>

namespace aya {
namespace {

// The shortest text that is the same number again, with a dot in every locale.
std::string number_text(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.9g", value);
  std::string out(text, static_cast<std::size_t>(size));
  for (char& c : out) c = c == ',' ? '.' : c;
  return out;
}

}  // namespace

// TYPE comes first, as in the pages that existing readers were written for.
void PrometheusPage::family(
    std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
  if (!help.empty()) text_ += "# HELP " + name_ + " " + std::string(help) + "\n";
}

void PrometheusPage::sample(std::uint64_t value, std::string_view labels) {
  line("", labels, std::to_string(value));
}

void PrometheusPage::histogram(const Histogram& histogram, std::string_view labels) {
  const std::string more = labels.empty() ? "" : std::string(labels) + ",";
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    const std::string bound = label("le", number_text(Histogram::kBounds[i]));
    line("_bucket", more + bound, std::to_string(histogram.within(i)));
  }
  line("_bucket", more + label("le", "+Inf"), std::to_string(histogram.count()));
  line("_sum", labels, number_text(histogram.sum()));
  line("_count", labels, std::to_string(histogram.count()));
}

std::string PrometheusPage::label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

void PrometheusPage::line(
    std::string_view suffix, std::string_view labels, std::string_view value) {
  text_ += name_;
  text_ += suffix;
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_.append(" ").append(value).append("\n");
}

}  // namespace aya
