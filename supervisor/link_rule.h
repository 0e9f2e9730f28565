// link_rule: is a link to a directory inside a watched tree followed?
//
// Pure: real paths in, a reason out. Not for finding them (tree_reader, listing).
//
// It is, once: to a program it is a directory like any other. But what is watched by its own name
// needs no second watch, and a link to what holds the tree itself would watch half the disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop {

[[nodiscard]] bool is_below(std::string_view path, std::string_view directory);  // or the same

// `watched`: the roots, and what the links lead to that are followed. None: it is followed.
[[nodiscard]] std::optional<std::string> why_not_followed(std::string_view target,
                                                          const std::vector<std::string>& watched);

}  // namespace oneloop
