// Which fields of a message a set of examples has filled: a field that is added to a .proto file and forgotten in the
// conversions stays empty, and is named here.
#pragma once

#include <google/protobuf/message.h>

#include <set>
#include <string>
#include <vector>

namespace cromt::wire {

class Coverage {
 public:
  // Notes each field that `message`, or a message within it, has set.
  void Add(const google::protobuf::Message& message);
  // The fields of this type, and of all types within it, that no example had set: "cromt.v1.TaskSpec.name".
  std::vector<std::string> Missing(const google::protobuf::Descriptor& type) const;

 private:
  void Collect(const google::protobuf::Descriptor& type, std::set<std::string>& seen_types,
               std::vector<std::string>& missing) const;
  std::set<std::string> filled_;
};

}  // namespace cromt::wire
