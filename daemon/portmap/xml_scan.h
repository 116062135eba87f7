// XmlScan walks the small XML that gateways speak. It knows elements, text, CDATA and comments; it
// refuses document types (and with them entities of the sender's own making), and forgives a close
// that does not match its open. Borrows the text.
#pragma once

#include <string>
#include <string_view>

namespace aya::portmap {

class XmlScan {
 public:
  enum class Event { Open, Close, Text, End, Bad };

  explicit XmlScan(std::string_view text) : rest_(text) {}

  Event next();
  // Of Open and Close: the name without its namespace prefix.
  std::string_view name() const { return name_; }
  // Of Text: as it stands there. plain() resolves the five entities of XML and numbers up to 127.
  std::string_view raw() const { return text_; }
  std::string plain() const;

 private:
  Event take_markup();
  Event take_tag();
  bool skip_past(std::string_view end);

  std::string_view rest_;
  std::string_view name_;
  std::string_view text_;
  bool literal_ = false;        // text_ is CDATA
  bool close_follows_ = false;  // behind <name/>
};

// Calls `leaf(name, text)` for every element without children, and `close(name)` for every end of
// one, in document order. False: not well-formed enough to go on.
template <class Leaf, class Close>
bool scan_leaves(std::string_view document, Leaf leaf, Close close) {
  XmlScan scan(document);
  std::string_view open;
  std::string text;
  for (;;) {
    switch (scan.next()) {
      case XmlScan::Event::Open:
        open = scan.name();
        text.clear();
        break;
      case XmlScan::Event::Text:
        text += scan.plain();
        break;
      case XmlScan::Event::Close:
        if (scan.name() == open) leaf(open, std::string_view(text));
        open = {};
        close(scan.name());
        break;
      case XmlScan::Event::End:
        return true;
      case XmlScan::Event::Bad:
        return false;
    }
  }
}

}  // namespace aya::portmap
