// What is asked of an HTTP server, and what it answers. Values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cromt::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;  // a token, as it came
  std::string path;    // as it came: begins with '/', not decoded, without the query
  std::string query;   // what stands after the '?', not decoded
  Headers headers;     // names in lower case
  std::string body;
  std::string place;  // the address of who asks, without the port

  // The header's value, `name` in lower case. Null if there is none, or more than one: which one is meant then nobody
  // can say.
  const std::string* Header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers = {};  // others than those that every answer has
};

// {"error": "…"}
Response Refusal(int status, std::string_view why);
// "Not Found"; "" for a status that has no name here.
std::string_view NameOf(int status);

}  // namespace cromt::http
