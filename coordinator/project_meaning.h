// What a project of a job file means, so that two revisions of it can be compared: what differs only in layout,
// comments, the order of keys or of variables means the same. The projects it depends on are named, not looked into.
//
// Of a key that is not built yet only its text is known. A project that uses one also means what its lines say, without
// comments: it may seem changed where it is not, never the other way round (but what it takes from an anchor elsewhere
// in the file is not seen).
//
// Lists that an alias repeats are described once, so that time and memory grow with the files. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/job_file.h"

namespace cromt {

class ProjectMeanings {
 public:
  // One revision of a file; both outlive the object.
  struct Revision {
    const JobFile& file;
    std::string_view text;
  };

  // Equal numbers, equal meanings; across all revisions given to this object.
  uint32_t Of(const Revision& revision, const Project& project);

 private:
  struct List {
    uint32_t meaning = 0;
    bool has_unbuilt = false;
  };

  uint32_t Number(std::string description);
  List Of(const HostList& hosts);
  List Of(const JobFile& file, const DependencyList& entries);
  void Describe(const Overrides& set, std::string& out);
  std::string Lines(const Revision& revision, const Project& project);

  std::unordered_map<std::string, uint32_t> numbers_;
  std::unordered_map<const void*, List> lists_;                 // by their address
  std::unordered_map<const char*, std::vector<size_t>> lines_;  // where they begin, by a text's address
};

}  // namespace cromt
