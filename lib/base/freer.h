// Deletes what a C library has given out, by the function that it has for that:
//   using Handle = std::unique_ptr<thing, Freer<thing_free>>;
#pragma once

namespace cromt {

template <auto function>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};

}  // namespace cromt
