// What goes into a debug bundle as JSON: events of a program's ring, and the hiding of what nobody else is to see. Any
// thread.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_ring.h"
#include "base/mask_patterns.h"
#include "base/result.h"

namespace cromt {

// Hides these secrets in whatever form output is searched for them (base/mask_patterns.h), and what stands in front of
// the '@' of a URL.
class Hider {
 public:
  explicit Hider(const std::vector<std::string>& secrets)
      : patterns_(std::make_shared<const MaskPatterns>(std::span(secrets))) {}

  std::string Hide(std::string_view text) const;
  // In all texts and keys of a document.
  void HideIn(nlohmann::ordered_json& json) const;

 private:
  std::shared_ptr<const MaskPatterns> patterns_;
};

// {"seen": how many there were, "events": [...]}, the oldest first.
nlohmann::ordered_json EventsJson(const EventRing& ring);

// What another program says. kCorrupt if it is no JSON; what lies deeper in it than anything here does is left out, for
// whoever walks through it does so by calling himself.
Result<nlohmann::ordered_json> ReadForeignJson(std::string_view text);

// Text that is no UTF-8 becomes U+FFFD.
std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace cromt
