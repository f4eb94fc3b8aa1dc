// What a hook prints. Whatever it is: requests within their bound, or a refusal that can be shown.
#include "agent/step/task/hook_output.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  auto requests = cromt::step::ReadHookOutput(Text(data, size));
  if (!requests) {
    RequireRefusal(requests.error());
    return 0;
  }
  Require(requests->size() <= cromt::step::kMaxHookRequests, "a hook asks for a bounded number of things");
  for (const auto& request : *requests)
    if (const auto* run = std::get_if<cromt::step::RunSubtask>(&request))
      Require(!run->name.empty() && run->name.find_first_of(" \t\n") == run->name.npos, "a subtask's name is a word",
              run->name);
  return 0;
}
