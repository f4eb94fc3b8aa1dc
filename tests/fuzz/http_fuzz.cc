// What comes in at the HTTP port. Whatever the bytes: they are read as the same requests however they are cut, none is
// larger than it may be, and as a web hook none of them is signed or says what can't be shown.
#include <string>
#include <vector>

#include "base/name.h"
#include "coordinator/http/hook.h"
#include "io/http_server/request_reader.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

using http::Request;
using http::RequestReader;

constexpr RequestReader::Limits kLimits{.head_bytes = 512, .body_bytes = 256};

struct Outcome {
  std::vector<Request> requests;
  int refusal = 0;
};

Outcome ReadIn(std::string_view text, size_t piece) {
  RequestReader reader(kLimits);
  Outcome outcome;
  std::string waiting;
  for (size_t at = 0; at < text.size(); at += piece) {
    waiting += text.substr(at, piece);
    for (size_t taken = 1; taken > 0 && !waiting.empty();) {
      taken = reader.Put(waiting);
      waiting.erase(0, taken);
      if (reader.state() == RequestReader::State::kDone) outcome.requests.push_back(reader.Take());
      if (reader.state() == RequestReader::State::kBad) {
        outcome.refusal = reader.problem().status;
        return outcome;
      }
      Require(reader.body_bytes() <= kLimits.body_bytes, "no body is larger than it may be", text);
    }
    Require(waiting.size() <= kLimits.head_bytes, "no more waits than a head has", text);
  }
  return outcome;
}

void CheckHook(std::string_view text, const Request& request) {
  Require(!CheckHookSignature(request, "nobody knows this", Wall{}), "nobody has signed it", text);
  const auto event = ReadHook(request);
  if (!event) {
    RequireShowable(event.error().message);
  } else if (event->push) {
    Require(IsShowable(event->push->ref) && event->push->ref.starts_with("refs/"), "a ref can be shown", text);
    Require(IsName(event->push->commit), "a commit is a name", text);
  }
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  const std::string_view text = Text(data, size);
  const Outcome whole = ReadIn(text, std::max<size_t>(text.size(), 1));
  for (const size_t piece : {1, 7}) {
    const Outcome cut = ReadIn(text, piece);
    Require(cut.requests.size() == whole.requests.size() && cut.refusal == whole.refusal, "cutting changes nothing",
            text);
    for (size_t i = 0; i < cut.requests.size(); ++i)
      Require(cut.requests[i].path == whole.requests[i].path && cut.requests[i].body == whole.requests[i].body &&
                  cut.requests[i].headers == whole.requests[i].headers,
              "nor what a request says", text);
  }
  for (const auto& request : whole.requests) CheckHook(text, request);
  cromt::http::Request body;
  body.body = text;
  CheckHook(text, body);
  return 0;
}
