// template: texts with {name} and {name:format} in them. No loops and no language of its own.
//
// In words for people {{ and }} are braces. In a body, such as JSON with braces of its own, only
// the known names are replaced and everything else stands for itself.
// Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oneloop::worker {

// `format` is empty without a colon.
using ValueOf =
    std::function<std::optional<std::string>(std::string_view name, std::string_view format)>;

// An unknown name stands for itself; check_words has reported it before.
std::string fill_words(std::string_view text, const ValueOf& value_of);
// What is wrong with it; empty: nothing.
std::string check_words(std::string_view text, const std::vector<std::string_view>& known);

std::string fill_body(std::string_view text, const ValueOf& value_of);

// As it stands between the quotes of a JSON string. What is not UTF-8 is replaced.
std::string escape_json(std::string_view text);
bool is_json(const std::string& text);
// Without blanks between its parts; what is no JSON stays as it is.
std::string compact_json(const std::string& text);

}  // namespace oneloop::worker
