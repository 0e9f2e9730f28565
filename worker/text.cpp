#include "worker/text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace oneloop::worker {
namespace {

using std::string_view;

constexpr std::array<std::pair<string_view, string_view>, 16> named_entities = {{
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"nbsp", " "},
    {"lpar", "("},
    {"rpar", ")"},
    {"lsquo", "‘"},
    {"rsquo", "’"},
    {"ldquo", "“"},
    {"rdquo", "”"},
    {"hellip", "…"},
    {"middot", "·"},
    {"ndash", "–"},
    {"mdash", "—"},
}};

constexpr std::size_t longest_entity = 10;  // "&#x10FFFF;"

std::string to_utf8(std::uint32_t code) {
    const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
    if (code < 0x80) return {byte(code)};
    if (code < 0x800) return {byte(0xC0 | (code >> 6)), byte(0x80 | (code & 0x3F))};
    if (code < 0x10000) {
        return {byte(0xE0 | (code >> 12)), byte(0x80 | ((code >> 6) & 0x3F)),
                byte(0x80 | (code & 0x3F))};
    }
    return {byte(0xF0 | (code >> 18)), byte(0x80 | ((code >> 12) & 0x3F)),
            byte(0x80 | ((code >> 6) & 0x3F)), byte(0x80 | (code & 0x3F))};
}

// The text an entity stands for; empty when `name` (without & and ;) is none.
std::string decode(string_view name) {
    if (name.size() > 1 && name[0] == '#') {
        const bool hex = name[1] == 'x' || name[1] == 'X';
        const string_view digits = name.substr(hex ? 2 : 1);
        std::uint32_t code = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
        const bool whole = error == std::errc{} && end == digits.data() + digits.size();
        const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (!whole || code == 0 || code > 0x10FFFF || surrogate) return {};
        return code == 0xA0 ? " " : to_utf8(code);
    }
    for (const auto& [known, value] : named_entities) {
        if (known == name) return std::string(value);
    }
    return {};
}

// Length of the separator that starts here, or 0.
std::size_t separator(string_view text) {
    if (text[0] == ' ' || text[0] == '\t' || text[0] == '-' || text[0] == '\n') return 1;
    if (text.substr(0, 2) == "\xC2\xA0") return 2;      // no-break space
    if (text.substr(0, 3) == "\xE3\x80\x80") return 3;  // ideographic space
    if (text.size() >= 3 && text.substr(0, 2) == "\xE2\x80") {
        const auto last = static_cast<unsigned char>(text[2]);
        if (last >= 0x90 && last <= 0x95) return 3;  // hyphens and dashes
    }
    return 0;
}

// Copies the text and hands each {inside} to `replace`, which says whether it knew it.
std::string replace_braces(
    string_view text, const std::function<bool(string_view inside, std::string& out)>& replace) {
    std::string out;
    while (!text.empty()) {
        const auto open = text.find('{');
        const auto close = open == string_view::npos ? open : text.find_first_of("{}", open + 1);
        if (close == string_view::npos) break;
        out += text.substr(0, open);
        const bool pair = text[close] == '}';
        if (pair && replace(text.substr(open + 1, close - open - 1), out)) {
            text.remove_prefix(close + 1);
        } else {
            out += '{';
            text.remove_prefix(open + 1);
        }
    }
    return out += text;
}

}  // namespace

std::string html_unescape(string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '&') {
            const auto end = text.substr(i, longest_entity).find(';');
            if (end != string_view::npos) {
                if (const auto value = decode(text.substr(i + 1, end - 1)); !value.empty()) {
                    out += value;
                    i += end;
                    continue;
                }
            }
        }
        out += text[i];
    }
    return out;
}

std::string simplify(string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        if (const auto skip = separator(text)) {
            text.remove_prefix(skip);
            continue;
        }
        const char c = text[0];
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        text.remove_prefix(1);
    }
    return out;
}

std::string one_line(string_view text, std::size_t limit) {
    std::size_t size = text.size();
    if (size > limit) {
        size = limit;
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
            --size;
    }
    std::string out(text.substr(0, size));
    const auto byte = [&out](std::size_t at) {
        return at < out.size() ? static_cast<unsigned char>(out[at]) : 0U;
    };
    for (std::size_t at = 0; at < out.size(); ++at) {
        if (byte(at) < 0x20 || byte(at) == 0x7F) out[at] = ' ';
        // U+0080 to U+009F: a terminal may take U+009B for the beginning of a command.
        if (byte(at) == 0xC2 && byte(at + 1) >= 0x80 && byte(at + 1) < 0xA0)
            out[at] = out[at + 1] = ' ';
    }
    if (size < text.size()) out += "…";
    return out;
}

std::string veiled(const std::string& address) {
    if (address.empty()) return "";
    const auto at = address.find('@');
    if (at == std::string::npos || at == 0) return "***";
    return address.substr(0, 1) + "***" + address.substr(at);
}

std::string without_address(std::string text, const std::string& address) {
    if (address.empty()) return text;
    const std::string veil = veiled(address);
    for (auto at = text.find(address); at != std::string::npos;
         at = text.find(address, at + veil.size()))
        text.replace(at, address.size(), veil);
    return text;
}

std::string expand_dates(string_view text, Date date, Date today) {
    return replace_braces(text, [&](string_view inside, std::string& out) {
        constexpr string_view for_date = "date:";
        constexpr string_view for_today = "today:";
        if (inside.substr(0, for_date.size()) == for_date) {
            out += format_date(date, inside.substr(for_date.size()));
        } else if (inside.substr(0, for_today.size()) == for_today) {
            out += format_date(today, inside.substr(for_today.size()));
        } else {
            return false;
        }
        return true;
    });
}

std::string expand(string_view text, const std::function<std::string(string_view)>& value_of) {
    return replace_braces(text, [&](string_view inside, std::string& out) {
        out += value_of(inside);
        return true;
    });
}

}  // namespace oneloop::worker
