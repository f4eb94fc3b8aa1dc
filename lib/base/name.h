// The one validator of ids. Every id that comes from outside (file, flag, RPC) passes here before it is
// used as a key, in a path or in a message; nothing else in the project decides what an id may look like.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

inline constexpr size_t kMaxNameBytes = 128;
inline constexpr size_t kMaxTitleBytes = 1024;

// True for [A-Za-z0-9_][A-Za-z0-9._-]{0,127}: projects, queues, artifacts, labels, hosts, runs, agents, meshes,
// requests.
bool IsName(std::string_view text);

// `what` names the thing in the error: "project name 'a/b': …".
Status CheckName(std::string_view what, std::string_view text);

// True for [A-Za-z_][A-Za-z0-9_]*, at most 128 bytes: environment variables.
bool IsVariableName(std::string_view text);

// Display text: showable, not empty, at most 1 KiB; never used as a path or id.
bool IsTitle(std::string_view text);

// True if `text` is UTF-8 without control characters and without those that turn the direction of other text.
bool IsShowable(std::string_view text);

// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
bool IsUtf8(std::string_view text);

// Bytes of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none (or `text` is empty).
size_t Utf8SequenceLength(std::string_view text);

// `text` made safe for a message: quoted with '', control characters and broken UTF-8 as \xNN, cut after 80 bytes.
std::string Quote(std::string_view text);

}  // namespace cromt
