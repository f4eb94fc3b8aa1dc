// What is told of a run after a commit that changed it.
#pragma once

#include "base/ids.h"

namespace cromt {

struct RunChange {
  RunId run;
  bool finished = false;
};

}  // namespace cromt
