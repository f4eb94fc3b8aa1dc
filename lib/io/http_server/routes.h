// Which answer belongs to which path and method. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_server/message.h"

namespace cromt::http {

// The parts of the path that stand where the pattern has braces, decoded.
using PathParts = std::vector<std::string>;

struct Route {
  std::string method;   // GET serves HEAD, too
  std::string pattern;  // "/hooks/{project}": a part in braces stands for any that is not empty
  // It may wait for something, so it is called on a thread for that; else on the one that serves everybody.
  bool waits = false;
  std::function<Response(const Request&, const PathParts&)> answer;
};

struct Routed {
  const Route* route = nullptr;
  PathParts parts;
  Response refusal;  // without a route: why there is none
};

Routed Find(const std::vector<Route>& routes, const Request& request);

}  // namespace cromt::http
