// Sets of addresses as rules speak of them: sorted ranges that neither overlap nor touch, so that
// equal sets are written alike. Everything at once ("*") is a set too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/netaddr/prefix.h"

namespace aya::policy {

struct AddressRange {
  IpAddress first, last;  // of one family, inclusive
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

AddressRange range_of(const Prefix& prefix);

class AddressSet {
 public:
  static AddressSet everything();

  void add(const AddressRange& range);
  void add(const Prefix& prefix) { add(range_of(prefix)); }
  void add(const AddressSet& other);
  void remove(const AddressSet& other);

  bool is_everything() const { return everything_; }
  bool empty() const { return !everything_ && ranges().empty(); }
  bool contains(const IpAddress& address) const;
  bool overlaps(const Prefix& prefix) const;
  const std::vector<AddressRange>& ranges() const;

  // As filters have them: "*", single addresses, prefixes where a range is one, "a-b" otherwise.
  std::vector<std::string> to_texts() const;

 private:
  void settle() const;

  bool everything_ = false;
  // Added in any order; put in order by the first question.
  mutable std::vector<AddressRange> ranges_;
  mutable bool settled_ = true;
};

std::string range_text(const AddressRange& range);

}  // namespace aya::policy
