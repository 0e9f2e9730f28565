#include "worker/item.h"

#include <nlohmann/json.hpp>

#include "worker/text.h"

namespace oneloop::worker {

using nlohmann::json;

bool sold_out(const Item& item) {
    return !item.bookable || item.seats == 0;
}

bool about_to_start(const Item& item, LocalTime now) {
    constexpr std::chrono::minutes notice{30};
    return item.start_clock && at(item.date, *item.start_clock) <= now + notice;
}

bool same_showtime(const Item& a, const Item& b) {
    return a.date == b.date && simplify(a.title) == simplify(b.title) &&
           simplify(a.screen) == simplify(b.screen);
}

std::string to_ledger(const Item& item) {
    json row = {{"title", item.title},   {"date", format_date(item.date, "%Y%m%d")},
                {"start", item.start},   {"end", item.end},
                {"screen", item.screen}, {"hall_kind", item.hall_kind},
                {"format", item.format}, {"bookable", item.bookable},
                {"branch", item.branch}, {"link", item.link}};
    if (item.seats) row["seats"] = *item.seats;
    if (item.seats_total) row["seats_total"] = *item.seats_total;
    return row.dump();
}

std::optional<Item> from_ledger(const std::string& id, const std::string& text) {
    const json row = json::parse(text, nullptr, false);
    if (!row.is_object()) return std::nullopt;
    const auto string = [&](const char* name) {
        const auto found = row.find(name);
        return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto number = [&](const char* name) -> std::optional<int> {
        const auto found = row.find(name);
        if (found == row.end() || !found->is_number_integer()) return std::nullopt;
        return found->get<int>();
    };
    const auto date = parse_date(string("date"));
    if (!date) return std::nullopt;
    Item item;
    item.id = id;
    item.title = string("title");
    item.date = *date;
    item.start = string("start");
    item.end = string("end");
    item.start_clock = parse_clock(item.start);
    item.screen = string("screen");
    item.hall_kind = string("hall_kind");
    item.format = string("format");
    item.seats = number("seats");
    item.seats_total = number("seats_total");
    const auto bookable = row.find("bookable");
    item.bookable = bookable == row.end() || !bookable->is_boolean() || bookable->get<bool>();
    item.branch = string("branch");
    item.link = string("link");
    return item;
}

}  // namespace oneloop::worker
