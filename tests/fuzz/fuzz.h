// What the fuzz targets share. A target states a property of code that reads what strangers wrote; libFuzzer looks for
// an input that breaks it. A property that fails ends the process, and libFuzzer keeps the input in a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/diagnostic.h"

namespace cromt::fuzz {

// The bytes of an input as text; valid during the call.
std::string_view Text(const uint8_t* data, size_t size);

// Ends the process, saying which property does not hold and of what.
void Require(bool holds, std::string_view property, std::string_view of = {});

// Text that may be shown to a person: UTF-8 without control characters, not empty, at most 4 KiB.
void RequireShowable(std::string_view message);

// An error that says something, of one of the kinds that bad input may have.
void RequireRefusal(const Error& error);

// `at` is 0:0 or the place of a byte of `text` or of its end; a byte order mark has no place.
void RequireWithin(std::string_view text, Position at);

}  // namespace cromt::fuzz
