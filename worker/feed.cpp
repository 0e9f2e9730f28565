#include "worker/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "worker/text.h"

namespace oneloop::worker {
namespace {

using nlohmann::json;
using std::string;

// A reply nested deeper than this is an attack on the stack of whoever prints it.
constexpr int deepest = 64;

string as_text(const json& value) {
    if (value.is_string()) return value.get<string>();
    if (value.is_null() || value.is_structured()) return {};
    return value.dump();
}

// Null when the pointer leads nowhere or is none.
const json* find(const json& document, const string& pointer) {
    try {
        const json::json_pointer at(pointer);
        return document.contains(at) ? &document.at(at) : nullptr;
    } catch (const json::exception&) {
        return nullptr;
    }
}

string field(const json& row, std::string_view name) {
    const auto found = row.find(string(name));
    return found == row.end() ? string() : as_text(*found);
}

std::optional<int> to_int(const string& text) {
    int value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end || value < 0) return std::nullopt;
    return value;
}

std::optional<Blocked> refused(const HttpReply& reply, const SourceSpec& spec) {
    const int code = reply.code;
    if (code == 401 || code == 403 || code == 429 || code >= 500) {
        return Blocked{fmt::format("HTTP {}", code), code == 429 || code == 503, reply.retry_after};
    }
    if (code >= 300 && code < 400)
        return Blocked{fmt::format("HTTP {} to another page", code), false, {}};
    for (const string& marker : spec.block_markers) {
        if (reply.body.find(marker) != string::npos) {
            return Blocked{"overload: " + one_line(marker, 60), true, reply.retry_after};
        }
    }
    const auto first = reply.body.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (first != string::npos && reply.body[first] == '<') {
        return Blocked{"an HTML page instead of JSON", false, reply.retry_after};
    }
    return std::nullopt;
}

// The value of one field as the spec makes it from the row, decoded.
string read_field(const json& row, const SourceSpec& spec, const char* name) {
    const auto found = spec.fields.find(name);
    if (found == spec.fields.end()) return {};
    const auto decoded = [&](const string& text) {
        return spec.unescape ? html_unescape(text) : text;
    };
    if (!found->second.text.empty()) {
        return expand(found->second.text, [&](std::string_view key) { return field(row, key); });
    }
    for (const string& key : found->second.from) {
        if (const string value = field(row, key); !value.empty()) return decoded(value);
    }
    return {};
}

// `bad` gets what stands there when it must be a number and is none.
std::optional<int> read_number(const json& row, const SourceSpec& spec, const char* name,
                               string& bad) {
    const string text = read_field(row, spec, name);
    const auto value = to_int(text);
    const auto found = spec.fields.find(name);
    if (!value && !text.empty() && found->second.strict) bad = string(name) + " '" + text + "'";
    return value;
}

bool read_bookable(const json& row, const SourceSpec& spec) {
    const auto found = spec.fields.find("bookable");
    if (found == spec.fields.end()) return true;
    const string value = read_field(row, spec, "bookable");
    if (value.empty()) return found->second.fallback;
    return value == found->second.equals.value_or("true");
}

std::variant<Item, ChangedShape> read_row(json row, const SourceSpec& spec, Date asked) {
    if (!row.is_object()) return ChangedShape{"a row is not an object"};
    Item item;
    bool id_complete = true;
    item.id = expand(spec.id, [&](std::string_view key) {
        string part = field(row, key);
        id_complete = id_complete && !part.empty();
        return part;
    });
    if (item.id.empty() || !id_complete) return ChangedShape{"a row has no " + spec.id};
    item.title = read_field(row, spec, "title");
    const string date = read_field(row, spec, "date");
    const auto parsed = date.empty() ? std::optional(asked) : parse_date(date);
    if (!parsed) return ChangedShape{"row " + item.id + " has the date " + one_line(date, 40)};
    item.date = *parsed;
    item.start = read_field(row, spec, "start");
    item.start_clock = parse_clock(item.start);
    if (!item.start_clock && spec.fields.contains("start")) {
        return ChangedShape{"row " + item.id + " starts at '" + one_line(item.start, 40) + "'"};
    }
    item.end = read_field(row, spec, "end");
    item.screen = read_field(row, spec, "screen");
    item.hall_kind = read_field(row, spec, "hall_kind");
    item.format = read_field(row, spec, "format");
    string bad;
    item.seats = read_number(row, spec, "seats", bad);
    item.seats_total = read_number(row, spec, "seats_total", bad);
    if (!bad.empty()) return ChangedShape{"row " + item.id + " has the " + one_line(bad, 60)};
    item.bookable = read_bookable(row, spec);
    item.branch = read_field(row, spec, "branch");
    item.link = read_field(row, spec, "link");
    row["date"] = format_date(item.date, "%Y%m%d");
    item.raw = row.dump();
    return item;
}

// Nothing when a single entry is not understood: half a list would be taken for the whole.
Listed listed_dates(const json& document, const SourceSpec& spec) {
    Listed dates;
    if (!spec.dates) return dates;
    const json* list = find(document, spec.dates->items);
    if (!list || !list->is_array()) return dates;
    for (const json& row : *list) {
        if (!row.is_object() || !row.contains(spec.dates->field)) return {};
        const auto date = parse_date(field(row, spec.dates->date));
        if (!date) return {};
        dates[*date] = dates[*date] || field(row, spec.dates->field) == spec.dates->equals;
    }
    return dates;
}

// Empty text: the date list of the reply says that this date has no showtimes. Otherwise why not.
string not_closed(const json& document, const SourceSpec& spec, Date date) {
    if (!spec.dates) return "and no list of dates that would explain it";
    const json* list = find(document, spec.dates->items);
    if (!list || !list->is_array() || list->empty()) return "and no list of dates that explains it";
    const string wanted = format_date(date, "%Y%m%d");
    for (const json& row : *list) {
        if (!row.is_object()) return "and the list of dates has another shape";
        if (field(row, spec.dates->date) != wanted) continue;
        const bool open = field(row, spec.dates->field) == spec.dates->equals;
        return open ? "although the list of dates says the date is open" : "";
    }
    return "";  // a list that ends before the date: it is not open yet
}

// "a|b" is a or b.
bool is_one_of(const string& got, const string& wanted) {
    for (std::size_t from = 0; from <= wanted.size();) {
        const auto bar = std::min(wanted.find('|', from), wanted.size());
        if (wanted.compare(from, bar - from, got) == 0) return true;
        from = bar + 1;
    }
    return false;
}

// A reply about something else, as a sentence; empty when it is about what was asked.
string other_question(const json& document, const json& rows, const SourceSpec& spec, Date date,
                      Date today) {
    for (const auto& [name, value] : spec.same) {
        const string wanted = expand_dates(value, date, today);
        if (name.starts_with('/')) {
            const json* found = find(document, name);
            if (found && !found->is_null() && !is_one_of(as_text(*found), wanted)) {
                return fmt::format("{} is {}, asked was {}", name, one_line(as_text(*found), 40),
                                   wanted);
            }
            continue;
        }
        for (const json& row : rows) {
            if (!row.is_object()) continue;
            if (const string got = field(row, name); !is_one_of(got, wanted)) {
                return fmt::format("{} is {}, asked was {}", name, one_line(got, 40), wanted);
            }
        }
    }
    return {};
}

}  // namespace

Answer read_reply(const HttpReply& reply, const SourceSpec& spec, Date date, Date today) {
    if (auto blocked = refused(reply, spec)) return *blocked;
    if (reply.code < 200 || reply.code >= 300) {
        return ChangedShape{fmt::format("HTTP {}", reply.code)};
    }
    if (reply.body.empty()) return ChangedShape{"an empty reply"};
    bool too_deep = false;
    const auto watch_depth = [&](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > deepest;
        return !too_deep;
    };
    const json document = json::parse(reply.body, watch_depth, false);
    if (document.is_discarded() || too_deep) return ChangedShape{"the reply is not JSON"};

    if (spec.ok) {
        const json* found = find(document, spec.ok->at);
        if (!found) return ChangedShape{spec.ok->at + " is missing"};
        if (as_text(*found) != spec.ok->equals) {
            return ChangedShape{fmt::format("{} is {}, not {}", spec.ok->at,
                                            one_line(found->dump(), 60), spec.ok->equals)};
        }
    }
    for (const string& pointer : spec.require) {
        if (!find(document, pointer)) return ChangedShape{pointer + " is missing"};
    }
    const json* rows = find(document, spec.items);
    if (!rows) return ChangedShape{spec.items + " is missing"};
    if (!rows->is_null() && !rows->is_array()) return ChangedShape{spec.items + " is not a list"};
    if (const string other = other_question(document, *rows, spec, date, today); !other.empty()) {
        return ChangedShape{"a reply to another question: " + other};
    }
    if (rows->is_null()) {
        const string why = not_closed(document, spec, date);
        if (why.empty())
            return Empty{"no showtimes for this date yet", listed_dates(document, spec)};
        return ChangedShape{spec.items + " is null, " + why};
    }
    Listed listed = listed_dates(document, spec);
    if (rows->empty()) return Empty{"no showtimes for this date yet", std::move(listed)};

    Rows result;
    result.listed = std::move(listed);
    std::set<string> seen;
    for (const json& row : *rows) {
        auto read = read_row(row, spec, date);
        if (auto* bad = std::get_if<ChangedShape>(&read)) return *bad;
        auto& item = std::get<Item>(read);
        if (seen.insert(item.id).second) result.items.push_back(std::move(item));
    }
    return result;
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value) {
    constexpr int longest = 3600;
    const auto first = value.find_first_not_of(" \t");
    if (first == std::string_view::npos) return std::nullopt;
    const auto last = value.find_last_not_of(" \t\r\n");
    const auto seconds = to_int(string(value.substr(first, last - first + 1)));
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(std::min(*seconds, longest));
}

}  // namespace oneloop::worker
