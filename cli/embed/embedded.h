// A coordinator and an agent in this process: what `cromt run` runs on where there is no server.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/control.h"
#include "io/config/git_settings.h"

namespace cromt {

struct EmbeddedOptions {
  // Exists; its last part is the id that the first run gets, so that both are found by one word. What an embedded pair
  // of this boot has left there is taken up: its run, and the launcher with the jobs if it still lives.
  std::string data_dir;
  std::map<std::string, std::string> agents;  // `agents:` of the configuration
  GitSettings git;                            // `git:` of it; the run's author owns this disk, so local is allowed
  bool insecure = false;                      // also dials agents beyond loopback without certificates
  uint32_t slots = 0;                         // of the embedded agent; 0 = its default
  std::vector<std::pair<std::string, std::string>> secrets;  // by name, for any project; kept in memory only
};

// Any thread may use the control. The destructor ends both programs; it waits for no job.
class Embedded {
 public:
  static Result<std::unique_ptr<Embedded>> Start(EmbeddedOptions options);
  ~Embedded();

  Control& control();
  std::string data_dir();

 private:
  struct Parts;
  explicit Embedded(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cromt
