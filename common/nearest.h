// nearest: the word that was probably meant, for messages about unknown ones. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oneloop {

// The entry of `known` that `word` is probably a slip of; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace oneloop
