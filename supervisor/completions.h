// completions: what bash, zsh and fish are told of our command line. Pure: the model in, a script
// out.
#pragma once

#include <optional>
#include <string>

#include "supervisor/option_model.h"

namespace oneloop {

// `shell`: bash, zsh or fish; none for another.
std::optional<std::string> completions(const std::string& shell, const OptionModel& model);

}  // namespace oneloop
