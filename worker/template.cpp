#include "worker/template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace oneloop::worker {
namespace {

struct Place {
    std::string_view name;
    std::string_view format;
};

Place split(std::string_view inside) {
    const auto colon = inside.find(':');
    if (colon == std::string_view::npos) return {inside, {}};
    return {inside.substr(0, colon), inside.substr(colon + 1)};
}

// Calls `plain` with texts and `place` with what stands between braces. False: a brace is alone.
template <class Plain, class Named>
bool walk_words(std::string_view text, Plain plain, Named named) {
    while (!text.empty()) {
        const auto brace = text.find_first_of("{}");
        plain(text.substr(0, brace));
        if (brace == std::string_view::npos) return true;
        text.remove_prefix(brace);
        if (text.size() > 1 && text[1] == text[0]) {
            plain(text.substr(0, 1));
            text.remove_prefix(2);
            continue;
        }
        const auto end = text.find('}');
        if (text[0] == '}' || end == std::string_view::npos) return false;
        named(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace

std::string fill_words(std::string_view text, const ValueOf& value_of) {
    std::string out;
    walk_words(
        text, [&](std::string_view plain) { out += plain; },
        [&](std::string_view inside) {
            const Place place = split(inside);
            const auto value = value_of(place.name, place.format);
            out += value ? *value : "{" + std::string(inside) + "}";
        });
    return out;
}

std::string check_words(std::string_view text, const std::vector<std::string_view>& known) {
    std::string problem;
    const bool closed = walk_words(
        text, [](std::string_view) {},
        [&](std::string_view inside) {
            const auto name = split(inside).name;
            if (!problem.empty() || std::find(known.begin(), known.end(), name) != known.end())
                return;
            problem = "unknown name '{" + std::string(name.substr(0, 40)) + "}'; there are";
            for (const auto one : known)
                problem += (one == known.front() ? " {" : ", {") + std::string(one) + "}";
        });
    if (!closed) return "a brace stands alone; {{ and }} are braces";
    return problem;
}

std::string fill_body(std::string_view text, const ValueOf& value_of) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) break;
        text.remove_prefix(open);
        const auto end = text.find_first_of("{}", 1);
        if (end != std::string_view::npos && text[end] == '}') {
            const Place place = split(text.substr(1, end - 1));
            if (const auto value = value_of(place.name, place.format)) {
                out += *value;
                text.remove_prefix(end + 1);
                continue;
            }
        }
        out += '{';
        text.remove_prefix(1);
    }
    return out;
}

std::string escape_json(std::string_view text) {
    const std::string quoted = nlohmann::json(std::string(text))
                                   .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return quoted.substr(1, quoted.size() - 2);
}

bool is_json(const std::string& text) {
    return nlohmann::json::accept(text);
}

std::string compact_json(const std::string& text) {
    const auto document = nlohmann::json::parse(text, nullptr, false);
    return document.is_discarded() ? text : document.dump();
}

}  // namespace oneloop::worker
