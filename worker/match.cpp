#include "worker/match.h"

#include <algorithm>

#include "worker/text.h"

namespace oneloop::worker {
namespace {

std::string value_of(const Item& item, std::string_view field) {
    if (field == "id") return item.id;
    if (field == "title") return item.title;
    if (field == "date") return format_date(item.date, "%Y-%m-%d");
    if (field == "start") return item.start;
    if (field == "end") return item.end;
    if (field == "screen") return item.screen;
    if (field == "hall_kind") return item.hall_kind;
    if (field == "format") return item.format;
    if (field == "branch") return item.branch;
    if (field == "bookable") return item.bookable ? "true" : "false";
    const auto number = field == "seats" ? item.seats : item.seats_total;
    return number ? std::to_string(*number) : "";
}

bool between(const Item& item, const Condition& condition) {
    const std::string value = value_of(item, condition.field);
    if (!is_clock_field(condition.field)) {
        return condition.values[0] <= value && value <= condition.values[1];
    }
    const auto clock = parse_clock(value);
    return clock && parse_clock(condition.values[0]) <= clock &&
           clock <= parse_clock(condition.values[1]);
}

bool holds(const Item& item, const Condition& condition) {
    const std::string value = value_of(item, condition.field);
    switch (condition.kind) {
        case Condition::Kind::contains:
            return simplify(value).find(simplify(condition.values[0])) != std::string::npos;
        case Condition::Kind::equals:
            return value == condition.values[0];
        case Condition::Kind::in:
            return std::find(condition.values.begin(), condition.values.end(), value) !=
                   condition.values.end();
        case Condition::Kind::at_least: {
            const auto number = condition.field == "seats" ? item.seats : item.seats_total;
            return !number || *number >= condition.least;
        }
        case Condition::Kind::between:
            return between(item, condition);
    }
    return false;
}

}  // namespace

const std::vector<std::string>& field_names() {
    static const std::vector<std::string> names = {"id",    "title",       "date",      "start",
                                                   "end",   "screen",      "hall_kind", "format",
                                                   "seats", "seats_total", "bookable",  "branch"};
    return names;
}

bool is_field(std::string_view name) {
    const auto& names = field_names();
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_number_field(std::string_view name) {
    return name == "seats" || name == "seats_total";
}
bool is_clock_field(std::string_view name) {
    return name == "start" || name == "end";
}

bool matches(const Item& item, const std::vector<Condition>& where) {
    return std::all_of(where.begin(), where.end(),
                       [&](const Condition& condition) { return holds(item, condition); });
}

}  // namespace oneloop::worker
