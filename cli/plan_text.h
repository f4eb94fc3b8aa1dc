// A plan as text for people and as a graph for graphviz. Linear in the plan; writes piece by piece.
#pragma once

#include <optional>
#include <string>

#include "cli/palette.h"
#include "cli/writer.h"
#include "core/plan.h"

namespace cromt::cli {

// The instances in an order in which they may run, each with what it waits for and its tasks with their hosts.
void WritePlanText(const Plan& plan, const std::string& project, std::optional<size_t> columns, const Palette& palette,
                   Writer& out);

// A digraph: an arrow goes from what ends first to what starts then; dashed where it is an `after`.
void WritePlanDot(const Plan& plan, const std::string& project, Writer& out);

// What a task does, in one clean line: "action build test", "run: make -j2 …", an argument vector.
std::string DescribeWork(const Work& work);

}  // namespace cromt::cli
