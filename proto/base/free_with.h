// A deleter for what a C library made: std::unique_ptr<BIO, FreeWith<BIO_free_all>>.
#pragma once

namespace aya {

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

}  // namespace aya
