#include "tests/unit/wire/coverage.h"

#include <google/protobuf/descriptor.h>

namespace cromt::wire {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void Coverage::Add(const Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> set;
  reflection.ListFields(message, &set);  // without presence: those that differ from their default
  for (const FieldDescriptor* field : set) {
    filled_.insert(field->full_name());
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      Add(reflection.GetMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      Add(reflection.GetRepeatedMessage(message, field, i));
  }
}

std::vector<std::string> Coverage::Missing(const Descriptor& type) const {
  std::set<std::string> seen_types;
  std::vector<std::string> missing;
  Collect(type, seen_types, missing);
  return missing;
}

void Coverage::Collect(const Descriptor& type, std::set<std::string>& seen_types,
                       std::vector<std::string>& missing) const {
  if (!seen_types.insert(type.full_name()).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!filled_.contains(field->full_name())) missing.push_back(field->full_name());
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) Collect(*field->message_type(), seen_types, missing);
  }
}

}  // namespace cromt::wire
